#include <math.h>

#include "head_kernels.h"
#include "runtime/variants.h"

// Sums may be taken in any order: that is what lets them be vectors.
#pragma clang fp reassociate(on) contract(fast)

static inline __attribute__((always_inline)) float product(const float *a, const float *b, size_t n) {
    float sum = 0;
    for (size_t i = 0; i < n; i++) sum += a[i] * b[i];
    return sum;
}

VARIANTS
void ww_attend_pairs(float *out, const float *q, const float *k, const float *v, const int32_t *first,
                     const int32_t *counts, size_t P, size_t W, size_t H) {
    const size_t C = W / H;
    const float scale = 1.0f / sqrtf((float)C);
    for (size_t p = 0; p < P; p++)
        for (size_t h = 0; h < H; h++) {
            const float *query = q + p * W + h * C, *key = k + (size_t)first[p] * W + h * C;
            const float *value = v + (size_t)first[p] * W + h * C;
            const size_t count = (size_t)counts[p];
            float *restrict o = out + p * W + h * C;
            // Scores twice rather than kept: there may be any number of frames.
            float most = -INFINITY, total = 0;
            for (size_t t = 0; t < count; t++) {
                const float score = product(query, key + t * W, C) * scale;
                most = score > most ? score : most;
            }
            for (size_t i = 0; i < C; i++) o[i] = 0;
            for (size_t t = 0; t < count; t++) {
                const float weight = expf(product(query, key + t * W, C) * scale - most);
                total += weight;
                for (size_t i = 0; i < C; i++) o[i] += weight * value[t * W + i];
            }
            for (size_t i = 0; i < C; i++) o[i] /= total;
        }
}

VARIANTS
void ww_frame_cosines(float *out, const float *texts, const float *frames, const int32_t *first, size_t P, size_t T,
                      size_t W) {
    for (size_t p = 0; p < P; p++) {
        const float *text = texts + p * W;
        const float length = sqrtf(product(text, text, W));
        for (size_t t = 0; t < T; t++) {
            const float *frame = frames + ((size_t)first[p] + t) * W;
            out[p * T + t] = product(text, frame, W) / (length * sqrtf(product(frame, frame, W)));
        }
    }
}

VARIANTS
void ww_pair_cosines(float *out, const float *texts, const float *pooled, const float *radius, const float *noise,
                     size_t K, size_t P, size_t W) {
    for (size_t p = 0; p < P; p++) {
        const float *text = texts + p * W, *clip = pooled + p * W;
        const float length = sqrtf(product(clip, clip, W));
        float best = product(text, clip, W) / (length * sqrtf(product(text, text, W)));
        for (size_t k = 0; k < K; k++) {
            float dot = 0, squares = 0;
            for (size_t i = 0; i < W; i++) {
                const float moved = text[i] + noise[k * W + i] * radius[p * W + i];
                dot += moved * clip[i];
                squares += moved * moved;
            }
            const float cosine = dot / (length * sqrtf(squares));
            best = k == 0 || cosine > best ? cosine : best;
        }
        out[p] = best;
    }
}
