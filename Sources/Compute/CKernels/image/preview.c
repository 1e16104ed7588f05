#include "preview.h"

#include <stdbool.h>

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

enum { STRIP = 64 };

// Means of `factor` sums, `step` apart, of `n` outputs. In float32 the quotient of two whole numbers below 2^24 by one
// below 2^16 is cut off right: it is no nearer to the next whole number than 2^-16, and no larger than 255.
INLINE void means_of(int32_t *out, const uint16_t *sums, int32_t n, int32_t step, int32_t factor) {
    const float area = (float)(factor * factor);
    for (int32_t x = 0; x < n; x++) {
        int32_t sum = factor * factor / 2;
        for (int32_t k = 0; k < factor; k++) sum += sums[(x * factor + k) * step];
        out[x] = sum;
    }
    for (int32_t x = 0; x < n; x++) out[x] = (int32_t)((float)out[x] / area);
}

// Chroma of the middle of `n` outputs from `x0` on, which is even, less 128.
INLINE void middles_of(int32_t *out, const uint8_t *chroma, int32_t x0, int32_t n, int32_t step, int32_t factor) {
    const uint8_t *from = chroma + (x0 * factor / 2) * step;
    for (int32_t x = 0; x < n; x++) out[x] = from[(x * factor + factor / 2) / 2 * step] - 128;
}

// The usual factors are constants, so that the loops become vectors.
INLINE void means(int32_t *out, const uint16_t *sums, int32_t n, int32_t step, int32_t factor) {
    switch (factor) {
    case 1: return means_of(out, sums, n, step, 1);
    case 2: return means_of(out, sums, n, step, 2);
    case 3: return means_of(out, sums, n, step, 3);
    case 4: return means_of(out, sums, n, step, 4);
    case 6: return means_of(out, sums, n, step, 6);
    default: return means_of(out, sums, n, step, factor);
    }
}

INLINE void middles(int32_t *out, const uint8_t *chroma, int32_t x0, int32_t n, int32_t step, int32_t factor) {
    switch (factor) {
    case 1: return middles_of(out, chroma, x0, n, step, 1);
    case 2: return middles_of(out, chroma, x0, n, step, 2);
    case 3: return middles_of(out, chroma, x0, n, step, 3);
    case 4: return middles_of(out, chroma, x0, n, step, 4);
    case 6: return middles_of(out, chroma, x0, n, step, 6);
    default: return middles_of(out, chroma, x0, n, step, factor);
    }
}

VARIANTS
void ww_preview(uint8_t *out, uint16_t *sums, const ww_frame *frame, int32_t width, int32_t height, int32_t factor) {
    const int32_t w = width / factor, h = height / factor;
    const ww_colour c = frame->colour;
    const bool is_rgb = frame->layout == WW_LAYOUT_RGB;
    const int32_t step = frame->layout == WW_LAYOUT_I420 ? 1 : 2;
    for (int32_t y = 0; y < h; y++) {
        const uint8_t *first = frame->planes[0] + (size_t)(y * factor) * frame->strides[0];
        add_rows(sums, first, frame->strides[0], w * factor * (is_rgb ? 3 : 1), factor);
        const size_t chroma_row = (size_t)(y * factor + factor / 2) / 2;
        const uint8_t *u = is_rgb ? first : frame->planes[1] + chroma_row * frame->strides[1];
        const uint8_t *v = frame->layout == WW_LAYOUT_I420 ? frame->planes[2] + chroma_row * frame->strides[2] : u + 1;
        for (int32_t x0 = 0; x0 < w; x0 += STRIP) {
            const int32_t n = w - x0 < STRIP ? w - x0 : STRIP;
            int32_t a[STRIP], b[STRIP], d[STRIP];
            uint8_t *row = out + ((size_t)y * (size_t)w + (size_t)x0) * 3;
            if (is_rgb) {
                const uint16_t *from = sums + (size_t)(x0 * factor) * 3;
                means(a, from, n, 3, factor);
                means(b, from + 1, n, 3, factor);
                means(d, from + 2, n, 3, factor);
                for (int32_t x = 0; x < n; x++) {
                    row[3 * x] = (uint8_t)a[x];
                    row[3 * x + 1] = (uint8_t)b[x];
                    row[3 * x + 2] = (uint8_t)d[x];
                }
                continue;
            }
            means(a, sums + x0 * factor, n, 1, factor);
            middles(b, u, x0, n, step, factor);
            middles(d, v, x0, n, step, factor);
            for (int32_t x = 0; x < n; x++) {
                const int32_t luma = (a[x] * 8 - c.y_offset) * c.y / 8 + 4096;
                row[3 * x] = byte((luma + d[x] * c.rv) >> 13);
                row[3 * x + 1] = byte((luma + b[x] * c.gu + d[x] * c.gv) >> 13);
                row[3 * x + 2] = byte((luma + b[x] * c.bu) >> 13);
            }
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
