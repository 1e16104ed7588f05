/// Activation functions on vectors, applied after a product.
#ifndef WATCHWORD_ACTIVATION_FUNCTIONS_H
#define WATCHWORD_ACTIVATION_FUNCTIONS_H
#include "numbers.h"
#include "runtime/vectors.h"

// x * sigmoid(1.702 x)
INLINE void quick_gelu(vf *x) {
    vf s = *x * (-1.702f * 1.44269504f);
    power_of_two(&s);
    s = s + 1.0f;
    reciprocal(&s);
    *x = *x * s;
}

// x * Phi(x); erf by Abramowitz and Stegun 7.1.26, within 1.5e-7 of 1.
INLINE void gelu(vf *x) {
    const vf z = *x * 0.70710678f;
    const vf a = __builtin_elementwise_abs(z);
    vf t = a * 0.3275911f + 1.0f;
    reciprocal(&t);
    vf e = -a * a;
    exponential(&e);
    vf p = t * 1.061405429f - 1.453152027f;
    p = p * t + 1.421413741f;
    p = p * t - 0.284496736f;
    p = (p * t + 0.254829592f) * t * e;
    // Phi(x) = p / 2 where x is negative, else 1 - p / 2.
    const vi negative = z < 0.0f;
    const vf half = p * 0.5f, other = 1.0f - half;
    *x = *x * (vf)((negative & (vi)half) | (~negative & (vi)other));
}

// 0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))), which is x * sigmoid of twice the argument.
INLINE void tanh_gelu(vf *x) {
    vf s = (*x * *x * 0.044715f + 1.0f) * *x * (-2 * 0.79788456f * 1.44269504f);
    power_of_two(&s);
    s = s + 1.0f;
    reciprocal(&s);
    *x = *x * s;
}

INLINE void activate(vf *v, ww_activation activation) {
    if (activation == WW_ACTIVATION_QUICK_GELU) quick_gelu(v);
    if (activation == WW_ACTIVATION_GELU) gelu(v);
    if (activation == WW_ACTIVATION_TANH_GELU) tanh_gelu(v);
}
#endif
