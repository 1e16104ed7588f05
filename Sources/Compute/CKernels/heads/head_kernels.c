#include "head_kernels.h"

#include <math.h>

#include "runtime/exponential.h"
#include "runtime/inline.h"
#include "runtime/variants.h"

// Sums may be taken in any order: that is what lets them be vectors.
#pragma clang fp reassociate(on) contract(fast)

// 1 / sqrt(squares). Opaque, since leave to reassociate is leave to turn `x * (1 / y)` into a division of every x.
INLINE float inverse_root(float squares) {
    const volatile float inverse = 1.0f / sqrtf(squares);
    return inverse;
}

VARIANTS
void ww_masked_mean(float *out, const float *x, const float *residual, const int32_t *lengths, size_t B, size_t T,
                    size_t W) {
    for (size_t b = 0; b < B; b++) {
        float *restrict o = out + b * W;
        for (size_t i = 0; i < W; i++) o[i] = 0;
        for (size_t t = 0; t < (size_t)lengths[b]; t++) {
            const float *frame = x + (b * T + t) * W;
            float squares = 0;
            if (residual) {
                const float *more = residual + (b * T + t) * W;
                for (size_t i = 0; i < W; i++) squares += (frame[i] + more[i]) * (frame[i] + more[i]);
                const float scale = inverse_root(squares);
                for (size_t i = 0; i < W; i++) o[i] += (frame[i] + more[i]) * scale;
            } else {
                for (size_t i = 0; i < W; i++) squares += frame[i] * frame[i];
                const float scale = inverse_root(squares);
                for (size_t i = 0; i < W; i++) o[i] += frame[i] * scale;
            }
        }
        // The mean's divisor goes away with its length.
        float squares = 0;
        for (size_t i = 0; i < W; i++) squares += o[i] * o[i];
        const float scale = inverse_root(squares);
        for (size_t i = 0; i < W; i++) o[i] *= scale;
    }
}

// 1 / (1 + e^-x); the exponential's argument is never positive, so nothing overflows.
INLINE float sigmoid(float x) {
    const float e = exponential(-fabsf(x));
    return (x < 0 ? e : 1.0f) / (1.0f + e);
}

INLINE float hyperbolic(float x) {
    const float e = exponential(-2.0f * fabsf(x));
    return copysignf((1.0f - e) / (1.0f + e), x);
}

VARIANTS
void ww_lstm_step(float *hidden, float *cell, const float *gates, int first, size_t B, size_t W) {
    for (size_t b = 0; b < B; b++) {
        const float *i = gates + b * 4 * W, *f = i + W, *g = f + W, *o = g + W;
        float *restrict c = cell + b * W, *restrict h = hidden + b * W;
        if (first) {
            for (size_t k = 0; k < W; k++) c[k] = sigmoid(i[k]) * hyperbolic(g[k]);
        } else {
            for (size_t k = 0; k < W; k++) c[k] = sigmoid(f[k]) * c[k] + sigmoid(i[k]) * hyperbolic(g[k]);
        }
        for (size_t k = 0; k < W; k++) h[k] = sigmoid(o[k]) * hyperbolic(c[k]);
    }
}
