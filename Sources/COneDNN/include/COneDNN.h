/// The part of oneDNN that Watchword uses, with the difference between its 2.x and 3.x C interfaces inside.
#ifndef WATCHWORD_CONEDNN_H
#define WATCHWORD_CONEDNN_H
#include <stddef.h>
#include <stdint.h>

/// What follows `x · weightᵀ + bias`.
typedef enum ww_activation {
    WW_ACTIVATION_NONE = 0,
    WW_ACTIVATION_QUICK_GELU = 1,  ///< x · sigmoid(1.702 x)
    WW_ACTIVATION_GELU = 2         ///< exact, by erf
} ww_activation;

/// A linear layer: packed weights, and one primitive for each number of rows it has met.
typedef struct ww_linear ww_linear;

/// Makes a layer from `weight` (N, K) as `nn.Linear` stores it and `bias` (N) or NULL; both are copied.
/// With `accumulate` the result is added to what `out` holds (before the activation). NULL: no memory, or no oneDNN.
ww_linear *ww_linear_create(const float *weight, const float *bias, int64_t K, int64_t N, ww_activation activation,
                            int accumulate);
void ww_linear_destroy(ww_linear *layer);

/// out (M, N) from x (M, K), dense and row-major. Returns 0, or oneDNN's status. One call at a time for a layer.
int ww_linear_run(ww_linear *layer, const float *x, float *out, int64_t M);

/// Version of the oneDNN that is loaded, as major * 10000 + minor * 100 + patch.
int ww_onednn_version(void);
/// Name of the instruction set that oneDNN will use, e.g. "avx512_core_bf16".
const char *ww_onednn_isa(void);
#endif
