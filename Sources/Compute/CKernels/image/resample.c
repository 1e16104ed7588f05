#include "resample.h"

#include <string.h>

#include "image/frame_rows.h"
#include "runtime/variants.h"

// W = outputs of a row, C = columns read. A frame is never converted as a whole: each row becomes three planes of
// bytes, then W outputs of each; the vertical pass reads those.
enum { PRECISION = 22, LANES = 16 };

INLINE uint8_t clip8(int32_t sum) {
    const int32_t value = sum >> PRECISION;
    return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

// Columns of a row plane in memory: the last output may read `LANES` beyond them, weighted with 0.
static size_t plane_bytes(const ww_crop *crop, const ww_axis *horizontal) {
    return (size_t)crop->columns + (size_t)horizontal->stride;
}

size_t ww_resample_scratch(const ww_crop *crop, const ww_axis *horizontal, const ww_axis *vertical) {
    const size_t taps = (size_t)vertical->stride;  // the last output may read rows beyond, weighted with 0
    return 3 * plane_bytes(crop, horizontal) + ((size_t)crop->rows + taps) * 3 * (size_t)horizontal->count +
           3 * (size_t)horizontal->count;
}

VARIANTS
void ww_resample(uint8_t *out, uint8_t *scratch, const ww_frame *frame, const ww_crop *crop, const ww_axis *horizontal,
                 const ww_axis *vertical) {
    const int32_t half = 1 << (PRECISION - 1);
    const int32_t W = horizontal->count, C = crop->columns;
    const size_t plane = plane_bytes(crop, horizontal);
    uint8_t *r = scratch, *g = r + plane, *b = g + plane;
    uint8_t *rows = b + plane;                                                               // (crop->rows, 3, W)
    uint8_t *line = rows + ((size_t)crop->rows + (size_t)vertical->stride) * 3 * (size_t)W;  // (3, W)
    // Horizontal first, each pass rounded to bytes: that is what makes the result Pillow's.
    const int32_t taps = horizontal->stride / LANES * LANES;
    for (int32_t y = 0; y < crop->rows; y++) {
        upright_row(r, g, b, frame, crop->column0, C, crop->row0 + y);
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
