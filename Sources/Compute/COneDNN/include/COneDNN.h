/// The part of oneDNN that Watchword uses. It hides the difference between the C interfaces of oneDNN 2.x and 3.x.
#ifndef WATCHWORD_CONEDNN_H
#define WATCHWORD_CONEDNN_H
#include <stddef.h>
#include <stdint.h>

#include "CKernels.h"

/// The sizes, number types and activation function of a linear layer that oneDNN computes.
///
/// With WW_F32 or WW_BF16 input, the output is WW_F32 or WW_BF16: activation(x · weightᵀ + bias). With `accumulate`,
/// the product is added to the content of `out` before the activation. With WW_U8 input, weights are bytes, quantised
/// symmetrically per output, and the output is the WW_S32 sums of the products; `ww_linear_scales` turns them into
/// values.
typedef struct ww_linear_shape {
    int64_t inputs, outputs;
    ww_kind input, output;
    ww_activation activation;
    int accumulate;
} ww_linear_shape;

/// A linear layer: its weights in oneDNN's layout, and one oneDNN primitive for each number of rows used so far.
typedef struct ww_linear ww_linear;

/// Makes a layer from `weight` (N, K), as PyTorch's `nn.Linear` stores it, and `bias` (N) or NULL; both are copied.
///
/// If `packed` has the size that this oneDNN's layout needs, it is used in place instead of `weight`; it must be
/// aligned to 64 and outlive the layer. Returns NULL without memory or oneDNN, or if neither `weight` nor a fitting
/// `packed` is given.
ww_linear *ww_linear_create(ww_linear_shape shape, const float *weight, const float *bias, const void *packed,
                            size_t packed_size);
void ww_linear_destroy(ww_linear *layer);

/// Returns the weights in oneDNN's layout, to be cached for the next start; `size` gets their bytes.
///
/// The layout depends on oneDNN's version and the CPU's instruction set.
const void *ww_linear_packed(const ww_linear *layer, size_t *size);
const float *ww_linear_bias(const ww_linear *layer);
/// Returns the scales of an int8 layer: of each output (N), then scale * sum of the output's weights as integers (N).
const float *ww_linear_scales(const ww_linear *layer);

/// Computes out (M, N) from x (M, K), dense and row-major; returns 0 or oneDNN's status.
///
/// A layer serves one call at a time.
int ww_linear_run(ww_linear *layer, const void *x, void *out, int64_t M);

/// Returns the version of the loaded oneDNN, as major * 10000 + minor * 100 + patch.
int ww_onednn_version(void);
/// Returns the name of the instruction set that oneDNN uses, such as "avx512_core_bf16".
const char *ww_onednn_isa(void);
#endif
