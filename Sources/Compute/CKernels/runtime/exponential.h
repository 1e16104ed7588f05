#ifndef WATCHWORD_EXPONENTIAL_H
#define WATCHWORD_EXPONENTIAL_H
#include <math.h>
#include <stdint.h>

#include "runtime/inline.h"

// e^x for x <= 88 within 2 ulp: 2^n by the exponent bits, 2^f by a polynomial (Cephes' expf). Vectorises, unlike expf.
INLINE float exponential(float x) {
    x = x < -87.3f ? -87.3f : x;
    const float n = floorf(x * 1.44269504f + 0.5f);
    const float f = x - n * 0.693359375f + n * 2.12194440e-4f;
    float p = 1.9875691500e-4f;
    p = p * f + 1.3981999507e-3f;
    p = p * f + 8.3334519073e-3f;
    p = p * f + 4.1665795894e-2f;
    p = p * f + 1.6666665459e-1f;
    p = p * f + 5.0000001201e-1f;
    p = p * f * f + f + 1.0f;
    union {
        int32_t i;
        float f;
    } power = {.i = ((int32_t)n + 127) << 23};
    return p * power.f;
}
#endif
