#include "signature.h"

#if defined(__x86_64__) && defined(__linux__)
#define VARIANTS __attribute__((target_clones("default", "arch=x86-64-v3", "arch=x86-64-v4")))
#else
#define VARIANTS
#endif

// Means of `grid` x `grid` blocks of a square of `side` samples, `step` bytes apart.
static inline __attribute__((always_inline)) void means(float *out, const uint8_t *first, size_t stride, int32_t step,
                                                         int32_t side, int32_t grid) {
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

VARIANTS
void ww_signature(float *out, const ww_frame *frame, int32_t width, int32_t height, int32_t grid) {
    const int32_t side = width < height ? width : height;
    const size_t x = (size_t)(width - side) / 2, y = (size_t)(height - side) / 2;
    const int32_t cells = grid * grid;
    const uint8_t *first = frame->planes[0] + y * frame->strides[0];
    if (frame->layout == WW_LAYOUT_RGB) {
        for (int32_t c = 0; c < 3; c++) means(out + c * cells, first + 3 * x + c, frame->strides[0], 3, side, grid);
        return;
    }
    means(out, first + x, frame->strides[0], 1, side, grid);
    const int32_t half = side / 2 > 0 ? side / 2 : 1;
    if (frame->layout == WW_LAYOUT_I420) {
        for (int32_t c = 1; c < 3; c++)
            means(out + c * cells, frame->planes[c] + y / 2 * frame->strides[c] + x / 2, frame->strides[c], 1, half, grid);
    } else {
        const uint8_t *chroma = frame->planes[1] + y / 2 * frame->strides[1] + x / 2 * 2;
        for (int32_t c = 0; c < 2; c++) means(out + (c + 1) * cells, chroma + c, frame->strides[1], 2, half, grid);
    }
}
