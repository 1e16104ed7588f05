#include "resample.h"

#include <string.h>

#include "image/frame_rows.h"
#include "runtime/sizes.h"
#include "runtime/variants.h"

// W = outputs of a row, C = columns read. A frame is never converted as a whole: ROWS rows become planes of bytes,
// column by column, then W outputs of each; the vertical pass reads those.
enum { PRECISION = 22, ROWS = 16 };

// A byte of each of ROWS rows.
typedef uint8_t bytes_of_rows __attribute__((vector_size(ROWS)));
typedef int32_t sums_of_rows __attribute__((vector_size(4 * ROWS)));

INLINE uint8_t clip8(int32_t sum) {
    const int32_t value = sum >> PRECISION;
    return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

// Columns of a row plane in memory, in whole blocks.
static size_t plane_bytes(const ww_crop *crop) { return rounded_up((size_t)crop->columns, ROWS); }

// Outputs of a row in memory, in whole blocks.
static size_t line_bytes(const ww_axis *horizontal) { return rounded_up((size_t)horizontal->count, ROWS); }

// Rows of outputs that wait for those below them: fewer than an output's taps, and a block.
static size_t rows_kept(const ww_axis *vertical) { return (size_t)vertical->stride + ROWS; }

size_t ww_resample_scratch(const ww_crop *crop, const ww_axis *horizontal, const ww_axis *vertical) {
    const size_t plane = plane_bytes(crop), line = line_bytes(horizontal);
    return 3 * (ROWS * (2 * plane + line) + (rows_kept(vertical) + 1) * line);
}

#define INTERLEAVE_LOW 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23
#define INTERLEAVE_HIGH 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31

// A square of bytes, transposed: to[x] from from[y]. Four times, each vector is interleaved with the one eight further
// on.
INLINE void transpose_square(uint8_t *to, size_t to_stride, const uint8_t *from, size_t from_stride) {
    bytes_of_rows a[ROWS], b[ROWS];
    for (int i = 0; i < ROWS; i++) memcpy(&a[i], from + (size_t)i * from_stride, ROWS);
#pragma clang loop unroll(full)
    for (int pass = 0; pass < 4; pass++) {
#pragma clang loop unroll(full)
        for (int i = 0; i < ROWS / 2; i++) {
            b[2 * i] = __builtin_shufflevector(a[i], a[i + ROWS / 2], INTERLEAVE_LOW);
            b[2 * i + 1] = __builtin_shufflevector(a[i], a[i + ROWS / 2], INTERLEAVE_HIGH);
        }
#pragma clang loop unroll(full)
        for (int i = 0; i < ROWS; i++) a[i] = b[i];
    }
    for (int i = 0; i < ROWS; i++) memcpy(to + (size_t)i * to_stride, &a[i], ROWS);
}

// Inputs of an output that count.
INLINE int32_t taps_of(const ww_axis *axis, int32_t output) {
    const int32_t *weights = axis->weights + (size_t)output * (size_t)axis->stride;
    int32_t taps = axis->stride;
    while (taps > 0 && weights[taps - 1] == 0) taps--;
    return taps;
}

INLINE void add(sums_of_rows *sums, const uint8_t *values, int32_t weight) {
    bytes_of_rows bytes;
    memcpy(&bytes, values, sizeof bytes);
    *sums += __builtin_convertvector(bytes, sums_of_rows) * weight;
}

INLINE void put(uint8_t *to, const sums_of_rows *sums) {
    const sums_of_rows value = *sums >> PRECISION;
    const sums_of_rows clipped =
        __builtin_elementwise_min(__builtin_elementwise_max(value, (sums_of_rows){0}), (sums_of_rows){0} + 255);
    const bytes_of_rows bytes = __builtin_convertvector(clipped, bytes_of_rows);
    memcpy(to, &bytes, sizeof bytes);
}

// The outputs of ROWS rows, of three planes `plane` columns apart that have a byte of each row.
INLINE void resample_columns(uint8_t *out, const uint8_t *columns, size_t plane, int32_t column0, size_t line,
                             const ww_axis *axis) {
    for (int32_t x = 0; x < axis->count; x++) {
        const int32_t *weights = axis->weights + (size_t)x * (size_t)axis->stride;
        const uint8_t *from = columns + (size_t)(axis->first[x] - column0) * ROWS;
        sums_of_rows r = (sums_of_rows){0} + (1 << (PRECISION - 1)), g = r, b = r;
        for (int32_t i = taps_of(axis, x) - 1; i >= 0; i--) {
            add(&r, from + (size_t)i * ROWS, weights[i]);
            add(&g, from + ((size_t)i + plane) * ROWS, weights[i]);
            add(&b, from + ((size_t)i + 2 * plane) * ROWS, weights[i]);
        }
        put(out + (size_t)x * ROWS, &r);
        put(out + ((size_t)x + line) * ROWS, &g);
        put(out + ((size_t)x + 2 * line) * ROWS, &b);
    }
}

// A row of the picture, from rows of three lines; `mixed` has room for one.
INLINE void resample_rows(uint8_t *out, uint8_t *mixed, const uint8_t *rows, size_t line, const int32_t *weights,
                          int32_t taps, int32_t W) {
    enum { STRIP = 3 * ROWS };
    for (size_t x0 = 0; x0 < 3 * line; x0 += STRIP) {
        int32_t sums[STRIP];
        for (int32_t x = 0; x < STRIP; x++) sums[x] = 1 << (PRECISION - 1);
        for (int32_t i = 0; i < taps; i++) {
            const uint8_t *restrict values = rows + (size_t)i * 3 * line + x0;
            for (int32_t x = 0; x < STRIP; x++) sums[x] += weights[i] * values[x];
        }
        for (int32_t x = 0; x < STRIP; x++) mixed[x0 + (size_t)x] = clip8(sums[x]);
    }
    for (int32_t x = 0; x < W; x++) {
        out[3 * x] = mixed[x];
        out[3 * x + 1] = mixed[line + (size_t)x];
        out[3 * x + 2] = mixed[2 * line + (size_t)x];
    }
}

VARIANTS
void ww_resample(uint8_t *out, uint8_t *scratch, const ww_frame *frame, const ww_crop *crop, const ww_axis *horizontal,
                 const ww_axis *vertical) {
    const int32_t W = horizontal->count;
    const size_t plane = plane_bytes(crop), line = line_bytes(horizontal);
    uint8_t *planes = scratch;                               // (ROWS, 3, plane)
    uint8_t *columns = planes + ROWS * 3 * plane;            // (3, plane, ROWS)
    uint8_t *outputs = columns + ROWS * 3 * plane;           // (3, line, ROWS)
    uint8_t *rows = outputs + ROWS * 3 * line;               // (rows_kept, 3, line)
    uint8_t *mixed = rows + rows_kept(vertical) * 3 * line;  // (3, line)
    int32_t first = 0, kept = 0, next = 0;  // the first row that is kept, how many, and the next output
    // Horizontal first, each pass rounded to bytes: that is what makes the result Pillow's.
    for (int32_t y0 = 0; y0 < crop->rows && next < vertical->count; y0 += ROWS) {
        const int32_t n = crop->rows - y0 < ROWS ? crop->rows - y0 : ROWS;
        for (int32_t y = 0; y < n; y++) {
            uint8_t *r = planes + (size_t)y * 3 * plane;
            upright_row(r, r + plane, r + 2 * plane, frame, crop->column0, crop->columns, crop->row0 + y0 + y);
        }
        for (size_t x = 0; x < 3 * plane; x += ROWS) transpose_square(columns + x * ROWS, ROWS, planes + x, 3 * plane);
        resample_columns(outputs, columns, plane, crop->column0, line, horizontal);
        uint8_t *to = rows + (size_t)kept * 3 * line;
        for (size_t x = 0; x < 3 * line; x += ROWS) transpose_square(to + x, 3 * line, outputs + x * ROWS, ROWS);
        kept += n;
        for (; next < vertical->count; next++) {
            const int32_t above = vertical->first[next] - crop->row0 - first, taps = taps_of(vertical, next);
            if (above + taps > kept) {
                const int32_t gone = above < kept ? above : kept;
                memmove(rows, rows + (size_t)gone * 3 * line, (size_t)(kept - gone) * 3 * line);
                first += gone;
                kept -= gone;
                break;
            }
            resample_rows(out + (size_t)next * 3 * (size_t)W, mixed, rows + (size_t)above * 3 * line, line,
                          vertical->weights + (size_t)next * (size_t)vertical->stride, taps, W);
        }
    }
}
