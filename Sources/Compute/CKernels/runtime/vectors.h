/// Vectors of sixteen float32, by compiler extension: one register with AVX-512, two with AVX2, four with NEON.
///
/// Inline functions pass vectors by address, since the calling convention for vectors by value depends on the
/// instruction set.
#ifndef WATCHWORD_VECTORS_H
#define WATCHWORD_VECTORS_H
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "runtime/inline.h"
#include "runtime/variants.h"

// Sums may be computed in any order, so that they can be vectorised.
#pragma clang fp reassociate(on) contract(fast)

enum { LANES = 16 };
typedef float vf __attribute__((vector_size(64)));
typedef int32_t vi __attribute__((vector_size(64)));
typedef uint16_t vh __attribute__((vector_size(32)));
typedef uint8_t vb __attribute__((vector_size(16)));

INLINE void load(vf *v, const float *p) { memcpy(v, p, sizeof *v); }
INLINE void store(float *p, const vf *v) { memcpy(p, v, sizeof *v); }

INLINE void clamp(vf *v, float low, float high) {
    *v = __builtin_elementwise_min(__builtin_elementwise_max(*v, (vf){0} + low), (vf){0} + high);
}

/// Replaces x by e^x, within 2 ulp for -87 <= x <= 88 and clamped outside.
///
/// 2^n comes from the exponent bits, 2^f from a polynomial (Cephes' expf).
INLINE void exponential(vf *x) {
    vf v = *x;
    clamp(&v, -87.3f, 88.0f);
    // Adding 1.5 * 2^23 rounds to an integer, which is then in the low bits.
    const vf magic = (vf){0} + 12582912.0f;
    const vf shifted = v * 1.44269504f + magic;
    const vf n = shifted - magic;
    const vf f = v - n * 0.693359375f + n * 2.12194440e-4f;
    vf p = f * 1.9875691500e-4f + 1.3981999507e-3f;
    p = p * f + 8.3334519073e-3f;
    p = p * f + 4.1665795894e-2f;
    p = p * f + 1.6666665459e-1f;
    p = p * f + 5.0000001201e-1f;
    p = p * (f * f) + f + 1.0f;
    *x = (vf)((vi)p + ((vi)shifted << 23));
}

/// Replaces x by 2^x, with a relative error below 4e-6 for -126 <= x <= 126, and clamped outside.
INLINE void power_of_two(vf *x) {
    vf v = *x;
    clamp(&v, -126, 126);
    const vf magic = (vf){0} + 12582912.0f;
    const vf shifted = v + magic;
    const vf f = v - (shifted - magic);
    vf p = f * 0.009676037356f + 0.05592203512787819f;
    p = p * f + 0.2402210682630539f;
    p = p * f + 0.6931210160255432f;
    p = p * f + 1.0000001192092896f;
    *x = (vf)((vi)p + ((vi)shifted << 23));
}

/// Replaces x by 1 / x, within 1e-5, for positive normal x; faster than a division.
///
/// It negates the exponent, then takes two Newton steps.
INLINE void reciprocal(vf *x) {
    const vf v = *x;
    vf r = (vf)(0x7EF127EA - (vi)v);
    r = r * (2.0f - v * r);
    r = r * (2.0f - v * r);
    *x = r;
}

/// Returns x, but hides its origin from the compiler.
///
/// Otherwise the compiler, which may reorder sums, would turn a product with 1 / y into a division for every element.
INLINE float opaque(float x) {
    const volatile float hidden = x;
    return hidden;
}

// The source of lane l of the first result: lane l of the first vector if l & bit is 0, else lane l - bit of the
// second.
#define TRANSPOSE_LOW(bit, l) ((l) & (bit) ? 16 + (l) - (bit) : (l))
// The source of lane l of the second result: lane l of the second vector if l & bit, else lane l + bit of the first.
#define TRANSPOSE_HIGH(bit, l) ((l) & (bit) ? 16 + (l) : (l) + (bit))
#define TRANSPOSE_LANES(which, bit)                                                                                  \
    which(bit, 0), which(bit, 1), which(bit, 2), which(bit, 3), which(bit, 4), which(bit, 5), which(bit, 6),         \
        which(bit, 7), which(bit, 8), which(bit, 9), which(bit, 10), which(bit, 11), which(bit, 12), which(bit, 13), \
        which(bit, 14), which(bit, 15)
#define TRANSPOSE_PASS(bit)                                                                     \
    for (int i = 0; i < LANES; i++)                                                             \
        if (!(i & (bit))) {                                                                     \
            const vf a = m[i], b = m[i + (bit)];                                                \
            m[i] = __builtin_shufflevector(a, b, TRANSPOSE_LANES(TRANSPOSE_LOW, bit));          \
            m[i + (bit)] = __builtin_shufflevector(a, b, TRANSPOSE_LANES(TRANSPOSE_HIGH, bit)); \
        }

/// Transposes sixteen vectors of sixteen lanes in place.
///
/// Each of four passes swaps one bit of the lane's number with the same bit of the vector's number.
INLINE void transpose(vf m[LANES]) {
#pragma clang loop unroll(full)
    TRANSPOSE_PASS(1)
#pragma clang loop unroll(full)
    TRANSPOSE_PASS(2)
#pragma clang loop unroll(full)
    TRANSPOSE_PASS(4)
#pragma clang loop unroll(full)
    TRANSPOSE_PASS(8)
}

INLINE float sum_of(const vf *v) {
    float total = 0;
    for (int i = 0; i < LANES; i++) total += (*v)[i];
    return total;
}
#endif
