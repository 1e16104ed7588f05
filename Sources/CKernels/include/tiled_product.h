/// Linear layers by AMX tiles, with what follows the product done while it is in the nearest cache. M = rows of a call,
/// K = inputs, N = outputs.
///
/// oneDNN's products are the portable way; these are faster where they run: each weight is read once a call, in order,
/// and nothing goes through memory between the sums and their values.
#ifndef WATCHWORD_TILED_PRODUCT_H
#define WATCHWORD_TILED_PRODUCT_H
#include "activations.h"

/// Whether this CPU and kernel have tiles for `input`, WW_BF16 or WW_U8, and the sizes fit them.
int ww_tiled_fits(ww_kind input, size_t K, size_t N);

/// Bytes of the packed weights: panels of 32 outputs, in the order they are read; of WW_U8, then the scale of each output
/// and scale * sum of its weights.
size_t ww_tiled_size(ww_kind input, size_t K, size_t N);

/// Packs weight (N, K), aligned to 64; for WW_U8 quantised by output, symmetric.
void ww_tiled_pack(void *packed, ww_kind input, const float *weight, size_t K, size_t N);

typedef struct ww_tiled {
    ww_kind input;
    size_t K, N;
    const void *packed;
    const float *bias;  ///< (N)
} ww_tiled;

/// out = curve(x · weightᵀ + bias), out (M, N) of WW_F32 or WW_BF16; or added to it, WW_F32. x has room for rows up to a
/// multiple of 32, whose content does not matter.
void ww_tiled_run(const ww_tiled *layer, const ww_numbers *out, const ww_numbers *x, ww_curve curve, int add, size_t M);
#endif
