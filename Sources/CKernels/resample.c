#include "resample.h"

#if defined(__x86_64__) && defined(__linux__)
#define VARIANTS __attribute__((target_clones("default", "arch=x86-64-v3", "arch=x86-64-v4")))
#else
#define VARIANTS
#endif

enum { PRECISION = 22 };

static inline uint8_t clip8(int32_t sum) {
    const int32_t value = sum >> PRECISION;
    return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

VARIANTS
void ww_resample_rgb(uint8_t *out, uint8_t *scratch, const uint8_t *rgb, size_t stride, int32_t row0, int32_t rows,
                     const ww_axis *horizontal, const ww_axis *vertical) {
    const int32_t half = 1 << (PRECISION - 1);
    const int32_t width = horizontal->count;
    // Horizontal first, each pass rounded to bytes: that is what makes the result Pillow's.
    for (int32_t y = 0; y < rows; y++) {
        const uint8_t *line = rgb + (size_t)(row0 + y) * stride;
        uint8_t *to = scratch + (size_t)y * width * 3;
        for (int32_t x = 0; x < width; x++) {
            const int32_t *weights = horizontal->weights + (size_t)x * horizontal->stride;
            const uint8_t *from = line + (size_t)horizontal->first[x] * 3;
            int32_t r = half, g = half, b = half;
            for (int32_t i = 0; i < horizontal->taps[x]; i++) {
                r += weights[i] * from[3 * i];
                g += weights[i] * from[3 * i + 1];
                b += weights[i] * from[3 * i + 2];
            }
            to[3 * x] = clip8(r);
            to[3 * x + 1] = clip8(g);
            to[3 * x + 2] = clip8(b);
        }
    }
    for (int32_t y = 0; y < vertical->count; y++) {
        const int32_t *weights = vertical->weights + (size_t)y * vertical->stride;
        const uint8_t *from = scratch + (size_t)(vertical->first[y] - row0) * width * 3;
        uint8_t *to = out + (size_t)y * width * 3;
        for (int32_t x = 0; x < width * 3; x++) {
            int32_t sum = half;
            for (int32_t i = 0; i < vertical->taps[y]; i++) sum += weights[i] * from[(size_t)i * width * 3 + x];
            to[x] = clip8(sum);
        }
    }
}
