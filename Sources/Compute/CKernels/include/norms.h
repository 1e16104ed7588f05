/// Norms of rows. R = rows, W = columns, row-major.
#ifndef WATCHWORD_NORMS_H
#define WATCHWORD_NORMS_H
#include "numbers.h"

/// LayerNorm over the last axis with biased variance: writes `out` from x (R, W), float32. `out` may be `x`.
void ww_layer_norm(const ww_numbers *out, const float *x, const float *weight, const float *bias, float epsilon,
                   size_t R, size_t W);
#endif
