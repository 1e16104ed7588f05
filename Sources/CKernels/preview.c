#include "preview.h"

#include "variants.h"

static inline uint8_t byte(int32_t value) { return value < 0 ? 0 : value > 255 ? 255 : (uint8_t)value; }

// One row of sums over `factor` rows: this is where the time goes, and it vectorises.
static inline __attribute__((always_inline)) void add_rows(uint16_t *sums, const uint8_t *first, size_t stride,
                                                            int32_t count, int32_t factor) {
    for (int32_t x = 0; x < count; x++) sums[x] = first[x];
    for (int32_t y = 1; y < factor; y++) {
        const uint8_t *row = first + (size_t)y * stride;
        for (int32_t x = 0; x < count; x++) sums[x] = (uint16_t)(sums[x] + row[x]);
    }
}

static inline int32_t mean(const uint16_t *sums, int32_t x, int32_t step, int32_t factor) {
    int32_t sum = 0;
    for (int32_t k = 0; k < factor; k++) sum += sums[x + k * step];
    return (sum + factor * factor / 2) / (factor * factor);
}

VARIANTS
void ww_preview(uint8_t *out, uint16_t *sums, const ww_frame *frame, int32_t width, int32_t height, int32_t factor) {
    const int32_t w = width / factor, h = height / factor;
    const ww_colour c = frame->colour;
    for (int32_t y = 0; y < h; y++) {
        const uint8_t *first = frame->planes[0] + (size_t)(y * factor) * frame->strides[0];
        uint8_t *row = out + (size_t)y * (size_t)w * 3;
        if (frame->layout == WW_LAYOUT_RGB) {
            add_rows(sums, first, frame->strides[0], w * factor * 3, factor);
            for (int32_t x = 0; x < w; x++)
                for (int32_t k = 0; k < 3; k++) row[3 * x + k] = (uint8_t)mean(sums, 3 * x * factor + k, 3, factor);
            continue;
        }
        add_rows(sums, first, frame->strides[0], w * factor, factor);
        const size_t chroma_row = (size_t)(y * factor + factor / 2) / 2;
        const uint8_t *u = frame->planes[1] + chroma_row * frame->strides[1];
        const uint8_t *v = frame->layout == WW_LAYOUT_I420 ? frame->planes[2] + chroma_row * frame->strides[2] : u + 1;
        const int32_t step = frame->layout == WW_LAYOUT_I420 ? 1 : 2;
        for (int32_t x = 0; x < w; x++) {
            const int32_t at = (x * factor + factor / 2) / 2 * step;
            const int32_t luma = (mean(sums, x * factor, 1, factor) * 8 - c.y_offset) * c.y / 8;
            const int32_t cb = u[at] - 128, cr = v[at] - 128;
            row[3 * x] = byte((luma + cr * c.rv + 4096) >> 13);
            row[3 * x + 1] = byte((luma + cb * c.gu + cr * c.gv + 4096) >> 13);
            row[3 * x + 2] = byte((luma + cb * c.bu + 4096) >> 13);
        }
    }
}
