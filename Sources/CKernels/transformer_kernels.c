#include "transformer_kernels.h"

#include <math.h>

#include "vectors.h"

VARIANTS
void ww_normalise_rows(float *x, size_t rows, size_t W) {
    for (size_t r = 0; r < rows; r++) {
        float *row = x + r * W;
        float squares = 0;
        for (size_t i = 0; i < W; i++) squares += row[i] * row[i];
        const float norm = sqrtf(squares);
        for (size_t i = 0; i < W; i++) row[i] /= norm;
    }
}

VARIANTS
void ww_patchify_bytes(float *out, const uint8_t *rgb, const float mean[3], const float std[3], size_t B, size_t R,
                       size_t P) {
    // A byte has 256 values: the three roundings of the reference are done once for each.
    float table[3][256];
    for (int c = 0; c < 3; c++)
        for (int v = 0; v < 256; v++) {
            const float unit = (float)v / 255.0f;
            const float centred = unit - mean[c];
            table[c][v] = centred / std[c];
        }
    const size_t g = R / P;
    for (size_t b = 0; b < B; b++)
        for (size_t y = 0; y < R; y++) {
            const uint8_t *line = rgb + (b * R + y) * R * 3;
            for (size_t gx = 0; gx < g; gx++) {
                float *patch = out + (b * g * g + (y / P) * g + gx) * 3 * P * P + (y % P) * P;
                for (size_t c = 0; c < 3; c++)
                    for (size_t x = 0; x < P; x++) patch[c * P * P + x] = table[c][line[(gx * P + x) * 3 + c]];
            }
        }
}

VARIANTS
void ww_patchify_planes(float *out, const float *planes, size_t B, size_t R, size_t P) {
    const size_t g = R / P;
    for (size_t b = 0; b < B; b++)
        for (size_t c = 0; c < 3; c++)
            for (size_t y = 0; y < R; y++) {
                const float *line = planes + ((b * 3 + c) * R + y) * R;
                for (size_t gx = 0; gx < g; gx++) {
                    float *patch = out + (b * g * g + (y / P) * g + gx) * 3 * P * P + c * P * P + (y % P) * P;
                    for (size_t x = 0; x < P; x++) patch[x] = line[gx * P + x];
                }
            }
}
