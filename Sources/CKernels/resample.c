#include "resample.h"

#include <string.h>

#if defined(__x86_64__) && defined(__linux__)
#define VARIANTS __attribute__((target_clones("default", "arch=x86-64-v3", "arch=x86-64-v4")))
#else
#define VARIANTS
#endif
#define INLINE static inline __attribute__((always_inline))

// W = outputs of a row, C = columns read. A frame is never converted as a whole: each row becomes three planes of bytes,
// then W outputs of each; the vertical pass reads those.
enum { PRECISION = 22, LANES = 16 };

INLINE uint8_t clip8(int32_t sum) {
    const int32_t value = sum >> PRECISION;
    return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

INLINE uint8_t byte(int32_t value) { return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value); }

// The high half of a product of 16-bit numbers: the rounding of libswscale's own vector code.
INLINE int32_t high(int16_t a, int16_t b) { return ((int32_t)a * b) >> 16; }

// One row of Y'CbCr. `step`: 1 if U and V are planes, 2 if they are interleaved. Chroma is repeated, not interpolated:
// what libswscale does where it only converts, and so what CLIP's pictures of video have always been.
INLINE void row_from_yuv(uint8_t *restrict r, uint8_t *restrict g, uint8_t *restrict b, const uint8_t *restrict y,
                         const uint8_t *restrict u, const uint8_t *restrict v, int step, int32_t C, ww_colour k) {
    for (int32_t i = 0; i < C / 2; i++) {
        const int16_t cb = (int16_t)((u[i * step] << 3) - 1024), cr = (int16_t)((v[i * step] << 3) - 1024);
        const int32_t red = high(cr, k.rv), green = high(cb, k.gu) + high(cr, k.gv), blue = high(cb, k.bu);
        const int32_t y0 = high((int16_t)((y[2 * i] << 3) - k.y_offset), k.y);
        const int32_t y1 = high((int16_t)((y[2 * i + 1] << 3) - k.y_offset), k.y);
        r[2 * i] = byte(y0 + red);
        g[2 * i] = byte(y0 + green);
        b[2 * i] = byte(y0 + blue);
        r[2 * i + 1] = byte(y1 + red);
        g[2 * i + 1] = byte(y1 + green);
        b[2 * i + 1] = byte(y1 + blue);
    }
    if (C % 2) {
        const int32_t i = C / 2;
        const int16_t cb = (int16_t)((u[i * step] << 3) - 1024), cr = (int16_t)((v[i * step] << 3) - 1024);
        const int32_t luma = high((int16_t)((y[2 * i] << 3) - k.y_offset), k.y);
        r[2 * i] = byte(luma + high(cr, k.rv));
        g[2 * i] = byte(luma + high(cb, k.gu) + high(cr, k.gv));
        b[2 * i] = byte(luma + high(cb, k.bu));
    }
}

INLINE void row_from_rgb(uint8_t *restrict r, uint8_t *restrict g, uint8_t *restrict b, const uint8_t *restrict rgb,
                         int32_t C) {
    for (int32_t i = 0; i < C; i++) {
        r[i] = rgb[3 * i];
        g[i] = rgb[3 * i + 1];
        b[i] = rgb[3 * i + 2];
    }
}

// Columns of a row plane in memory: the last output may read `LANES` beyond them, weighted with 0.
static size_t plane_bytes(const ww_crop *crop, const ww_axis *horizontal) {
    return (size_t)crop->columns + (size_t)horizontal->stride;
}

size_t ww_resample_scratch(const ww_crop *crop, const ww_axis *horizontal, const ww_axis *vertical) {
    const size_t taps = (size_t)vertical->stride;  // the last output may read rows beyond, weighted with 0
    return 3 * plane_bytes(crop, horizontal) + ((size_t)crop->rows + taps) * 3 * (size_t)horizontal->count
           + 3 * (size_t)horizontal->count;
}

VARIANTS
void ww_resample(uint8_t *out, uint8_t *scratch, const ww_frame *frame, const ww_crop *crop, const ww_axis *horizontal,
                 const ww_axis *vertical) {
    const int32_t half = 1 << (PRECISION - 1);
    const int32_t W = horizontal->count, C = crop->columns;
    const size_t plane = plane_bytes(crop, horizontal);
    uint8_t *r = scratch, *g = r + plane, *b = g + plane;
    uint8_t *rows = b + plane;  // (crop->rows, 3, W)
    uint8_t *line = rows + ((size_t)crop->rows + (size_t)vertical->stride) * 3 * (size_t)W;  // (3, W)
    // Horizontal first, each pass rounded to bytes: that is what makes the result Pillow's.
    const int32_t taps = horizontal->stride / LANES * LANES;
    for (int32_t y = 0; y < crop->rows; y++) {
        const size_t row = (size_t)(crop->row0 + y), column = (size_t)crop->column0;
        const uint8_t *first = frame->planes[0] + row * frame->strides[0];
        switch (frame->layout) {
        case WW_LAYOUT_RGB: row_from_rgb(r, g, b, first + 3 * column, C); break;
        case WW_LAYOUT_I420:
            row_from_yuv(r, g, b, first + column, frame->planes[1] + row / 2 * frame->strides[1] + column / 2,
                         frame->planes[2] + row / 2 * frame->strides[2] + column / 2, 1, C, frame->colour);
            break;
        case WW_LAYOUT_NV12: {
            const uint8_t *chroma = frame->planes[1] + row / 2 * frame->strides[1] + column;
            row_from_yuv(r, g, b, first + column, chroma, chroma + 1, 2, C, frame->colour);
            break;
        }
        }
        uint8_t *to = rows + (size_t)y * 3 * (size_t)W;
        for (int32_t x = 0; x < W; x++) {
            const int32_t *weights = horizontal->weights + (size_t)x * (size_t)horizontal->stride;
            const int32_t start = horizontal->first[x] - crop->column0;
            int32_t red = half, green = half, blue = half;
            for (int32_t i = 0; i < taps; i++) {
                red += weights[i] * r[start + i];
                green += weights[i] * g[start + i];
                blue += weights[i] * b[start + i];
            }
            to[x] = clip8(red);
            to[W + x] = clip8(green);
            to[2 * W + x] = clip8(blue);
        }
    }
    for (int32_t y = 0; y < vertical->count; y++) {
        const int32_t *weights = vertical->weights + (size_t)y * (size_t)vertical->stride;
        const uint8_t *from = rows + (size_t)(vertical->first[y] - crop->row0) * 3 * (size_t)W;
        int32_t used = vertical->stride;
        while (used > 0 && weights[used - 1] == 0) used--;
        enum { STRIP = 64 };
        for (int32_t x0 = 0; x0 < 3 * W; x0 += STRIP) {
            const int32_t n = 3 * W - x0 < STRIP ? 3 * W - x0 : STRIP;
            int32_t sums[STRIP];
            for (int32_t x = 0; x < STRIP; x++) sums[x] = half;
            for (int32_t i = 0; i < used; i++) {
                const int32_t weight = weights[i];
                const uint8_t *restrict values = from + (size_t)i * 3 * (size_t)W + x0;
                if (n == STRIP)
                    for (int32_t x = 0; x < STRIP; x++) sums[x] += weight * values[x];
                else
                    for (int32_t x = 0; x < n; x++) sums[x] += weight * values[x];
            }
            for (int32_t x = 0; x < n; x++) line[x0 + x] = clip8(sums[x]);
        }
        uint8_t *to = out + (size_t)y * 3 * (size_t)W;
        for (int32_t x = 0; x < W; x++) {
            to[3 * x] = line[x];
            to[3 * x + 1] = line[W + x];
            to[3 * x + 2] = line[2 * W + x];
        }
    }
}
