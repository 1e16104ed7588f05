#include "transformer_kernels.h"

#include <math.h>

#include "exponential.h"
#include "variants.h"

// Sums may be taken in any order: that is what lets them be vectors.
#pragma clang fp reassociate(on) contract(fast)

VARIANTS
void ww_layer_norm(float *out, const float *x, const float *weight, const float *bias, float epsilon, size_t rows,
                   size_t W) {
    for (size_t r = 0; r < rows; r++) {
        const float *in = x + r * W;
        float *o = out + r * W;
        float sum = 0;
        for (size_t i = 0; i < W; i++) sum += in[i];
        const float mean = sum / (float)W;
        float squares = 0;
        for (size_t i = 0; i < W; i++) squares += (in[i] - mean) * (in[i] - mean);
        // Opaque: leave to reassociate is leave to turn `x * (1 / y)` into a division of every x.
        const volatile float inverse = 1.0f / sqrtf(squares / (float)W + epsilon);
        const float scale = inverse;
        for (size_t i = 0; i < W; i++) o[i] = (in[i] - mean) * scale * weight[i] + bias[i];
    }
}

VARIANTS
void ww_attention(float *out, const float *qkv, float *scratch, size_t first, size_t last, size_t T, size_t W, size_t H,
                  const int32_t *lengths, int causal, const int32_t *rows) {
    const size_t C = W / H;
    const float scale = 1.0f / sqrtf((float)C);
    float *keys = scratch;           // (C, T): transposed, so that scores of one query are a run of vectors
    float *scores = scratch + C * T;  // (T)
    for (size_t b = first; b < last; b++) {
        const size_t length = lengths ? (size_t)lengths[b] : T;
        const float *sequence = qkv + b * T * 3 * W;
        for (size_t h = 0; h < H; h++) {
            for (size_t t = 0; t < length; t++)
                for (size_t c = 0; c < C; c++) keys[c * T + t] = sequence[t * 3 * W + W + h * C + c];
            const size_t begin = rows ? (size_t)rows[b] : 0;
            const size_t end = rows ? begin + 1 : T;
            for (size_t t = begin; t < end; t++) {
                const float *query = sequence + t * 3 * W + h * C;
                float *o = (rows ? out + b * W : out + (b * T + t) * W) + h * C;
                const size_t n = causal && t + 1 < length ? t + 1 : length;
                for (size_t j = 0; j < n; j++) scores[j] = 0;
                for (size_t c = 0; c < C; c++) {
                    const float q = query[c] * scale;
                    const float *key = keys + c * T;
                    for (size_t j = 0; j < n; j++) scores[j] += q * key[j];
                }
                float top = scores[0];
                for (size_t j = 1; j < n; j++) top = scores[j] > top ? scores[j] : top;
                float sum = 0;
                for (size_t j = 0; j < n; j++) {
                    scores[j] = exponential(scores[j] - top);
                    sum += scores[j];
                }
                for (size_t c = 0; c < C; c++) o[c] = 0;
                for (size_t j = 0; j < n; j++) {
                    const float p = scores[j] / sum;
                    const float *value = sequence + j * 3 * W + 2 * W + h * C;
                    for (size_t c = 0; c < C; c++) o[c] += p * value[c];
                }
            }
        }
    }
}

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
