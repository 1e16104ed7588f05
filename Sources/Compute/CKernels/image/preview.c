#include "preview.h"

#include "image/frame_rows.h"
#include "runtime/variants.h"

// One row of sums over `factor` rows: this is where the time goes, and it vectorises.
INLINE void add_rows(uint16_t *sums, const uint8_t *first, size_t stride, int32_t count, int32_t factor) {
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

// Inputs of output `i`: from, and up to but excluding.
static inline int32_t edge(int32_t i, int32_t inputs, int32_t outputs) {
    return (int32_t)((int64_t)i * inputs / outputs);
}

VARIANTS
void ww_preview_upright(uint8_t *out, uint8_t *row, uint32_t *sums, const ww_frame *frame, int32_t width,
                        int32_t height, int32_t out_width, int32_t out_height) {
    uint8_t *const planes[3] = {row, row + width, row + 2 * (size_t)width};
    for (int32_t y = 0; y < out_height; y++) {
        const int32_t top = edge(y, height, out_height), below = edge(y + 1, height, out_height);
        const int32_t bottom = below > top ? below : top + 1;
        memset(sums, 0, 3 * (size_t)out_width * sizeof *sums);
        for (int32_t from = top; from < bottom; from++) {
            upright_row(planes[0], planes[1], planes[2], frame, 0, width, from);
            for (int32_t c = 0; c < 3; c++)
                for (int32_t x = 0; x < out_width; x++) {
                    const int32_t left = edge(x, width, out_width), right = edge(x + 1, width, out_width);
                    uint32_t sum = planes[c][left];
                    for (int32_t k = left + 1; k < right; k++) sum += planes[c][k];
                    const uint32_t count = right > left ? (uint32_t)(right - left) : 1;
                    sums[3 * x + c] += (sum * 16 + count / 2) / count;  // sixteenths of a level
                }
        }
        const uint32_t rows = 16 * (uint32_t)(bottom - top);
        uint8_t *to = out + (size_t)y * (size_t)out_width * 3;
        for (int32_t x = 0; x < 3 * out_width; x++) to[x] = (uint8_t)((sums[x] + rows / 2) / rows);
    }
}
