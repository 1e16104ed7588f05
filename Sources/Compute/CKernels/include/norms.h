/// Normalisation of rows: R = rows, W = columns, row-major.
#ifndef WATCHWORD_NORMS_H
#define WATCHWORD_NORMS_H
#include "numbers.h"

/// Applies LayerNorm, with biased variance, to each row of x (R, W) and writes `out`; `out` may be `x`.
void ww_layer_norm(const ww_numbers *out, const float *x, const float *weight, const float *bias, float epsilon,
                   size_t R, size_t W);
#endif
