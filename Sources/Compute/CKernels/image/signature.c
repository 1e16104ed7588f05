#include "signature.h"

#include "image/frame_rows.h"
#include "runtime/variants.h"

// Means of `grid` x `grid` blocks of a square of `side` samples, `step` bytes apart.
INLINE void means(float *out, const uint8_t *first, size_t stride, int32_t step, int32_t side, int32_t grid) {
    for (int32_t by = 0; by < grid; by++) {
        const int32_t y0 = side * by / grid, y1 = side * (by + 1) / grid;
        for (int32_t bx = 0; bx < grid; bx++) {
            const int32_t x0 = side * bx / grid, x1 = side * (bx + 1) / grid;
            uint32_t sum = 0;
            for (int32_t y = y0; y < y1; y++) {
                const uint8_t *row = first + (size_t)y * stride;
                for (int32_t x = x0; x < x1; x++) sum += row[x * step];
            }
            const int32_t count = (x1 - x0) * (y1 - y0);
            out[by * grid + bx] = count > 0 ? (float)sum / (float)count : 0;
        }
    }
}

// Means of R, G and B of a frame that is turned, or whose chroma is sampled otherwise: row by row.
INLINE void means_of_rows(float *out, uint8_t *row, const ww_frame *frame, int32_t x, int32_t y, int32_t side,
                          int32_t grid) {
    const int32_t cells = grid * grid;
    uint8_t *const planes[3] = {row, row + side, row + 2 * (size_t)side};
    memset(out, 0, 3 * (size_t)cells * sizeof *out);
    for (int32_t by = 0; by < grid; by++) {
        const int32_t y0 = side * by / grid, y1 = side * (by + 1) / grid;
        for (int32_t from = y0; from < y1; from++) {
            upright_row(planes[0], planes[1], planes[2], frame, x, side, y + from);
            for (int32_t c = 0; c < 3; c++)
                for (int32_t bx = 0; bx < grid; bx++) {
                    const int32_t x0 = side * bx / grid, x1 = side * (bx + 1) / grid;
                    uint32_t sum = 0;
                    for (int32_t k = x0; k < x1; k++) sum += planes[c][k];
                    const int32_t count = (x1 - x0) * (y1 - y0);
                    if (count > 0) out[c * cells + by * grid + bx] += (float)sum / (float)count;
                }
        }
    }
}

VARIANTS
void ww_signature(float *out, uint8_t *rows, const ww_frame *frame, int32_t width, int32_t height, int32_t grid) {
    const int32_t side = width < height ? width : height;
    const size_t x = (size_t)(width - side) / 2, y = (size_t)(height - side) / 2;
    const int32_t cells = grid * grid;
    if (frame->turn.is_turned || frame->layout == WW_LAYOUT_YUV || frame->layout == WW_LAYOUT_GREY)
        return means_of_rows(out, rows, frame, (int32_t)x, (int32_t)y, side, grid);
    const uint8_t *first = frame->planes[0] + y * frame->strides[0];
    if (frame->layout == WW_LAYOUT_RGB) {
        for (int32_t c = 0; c < 3; c++) means(out + c * cells, first + 3 * x + c, frame->strides[0], 3, side, grid);
        return;
    }
    means(out, first + x, frame->strides[0], 1, side, grid);
    const int32_t half = side / 2 > 0 ? side / 2 : 1;
    if (frame->layout == WW_LAYOUT_I420) {
        for (int32_t c = 1; c < 3; c++)
            means(out + c * cells, frame->planes[c] + y / 2 * frame->strides[c] + x / 2, frame->strides[c], 1, half,
                  grid);
    } else {
        const uint8_t *chroma = frame->planes[1] + y / 2 * frame->strides[1] + x / 2 * 2;
        for (int32_t c = 0; c < 2; c++) means(out + (c + 1) * cells, chroma + c, frame->strides[1], 2, half, grid);
    }
}
