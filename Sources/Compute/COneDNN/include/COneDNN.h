/// The part of oneDNN that Watchword uses, with the difference between its 2.x and 3.x C interfaces inside.
#ifndef WATCHWORD_CONEDNN_H
#define WATCHWORD_CONEDNN_H
#include <stddef.h>
#include <stdint.h>

/// What follows `x · weightᵀ + bias`.
typedef enum ww_activation {
    WW_ACTIVATION_NONE = 0,
    WW_ACTIVATION_QUICK_GELU = 1,  ///< x · sigmoid(1.702 x)
    WW_ACTIVATION_GELU = 2,        ///< exact, by erf
    WW_ACTIVATION_TANH_GELU = 3    ///< by tanh
} ww_activation;

/// How numbers are written.
typedef enum ww_number { WW_NUMBER_F32 = 0, WW_NUMBER_BF16 = 1, WW_NUMBER_U8 = 2, WW_NUMBER_S32 = 3 } ww_number;

/// A layer's sizes and kinds of number.
///
/// input F32 or BF16: output F32 or BF16, x · weightᵀ + bias, then the activation; with `accumulate` the product is
/// added to what `out` holds, before the activation. input U8: weights are bytes by output channel, symmetric, and the
/// output is the S32 sums of the products, nothing else; `ww_linear_scales` says what they are worth.
typedef struct ww_linear_shape {
    int64_t inputs, outputs;
    ww_number input, output;
    ww_activation activation;
    int accumulate;
} ww_linear_shape;

/// A linear layer: packed weights, and one primitive for each number of rows it has met.
typedef struct ww_linear ww_linear;

/// Makes a layer from `weight` (N, K) as `nn.Linear` stores it and `bias` (N) or NULL; both are copied. If `packed` has
/// the size that this oneDNN's layout needs, it is used instead of `weight`, in place: it must outlive the layer and be
/// aligned to 64. NULL: no memory, no oneDNN, or neither weights nor packed ones that fit.
ww_linear *ww_linear_create(ww_linear_shape shape, const float *weight, const float *bias, const void *packed,
                            size_t packed_size);
void ww_linear_destroy(ww_linear *layer);

/// The packed weights, to be kept for the next time: they depend on oneDNN's version and the instruction set.
const void *ww_linear_packed(const ww_linear *layer, size_t *size);
const float *ww_linear_bias(const ww_linear *layer);
/// Of a layer of bytes: the scale of each output (N), then scale * sum of the output's weights as integers (N).
const float *ww_linear_scales(const ww_linear *layer);

/// out (M, N) from x (M, K), dense and row-major. Returns 0, or oneDNN's status. One call at a time for a layer.
int ww_linear_run(ww_linear *layer, const void *x, void *out, int64_t M);

/// Begins or ends to add up the time inside of `ww_linear_run`'s products, of all layers; costs nothing when off.
void ww_products_time(int on);
double ww_products_seconds(void);
/// Whether it is on; what others spend in products of theirs is added.
int ww_products_timed(void);
void ww_products_add(int64_t nanoseconds);

/// Version of the oneDNN that is loaded, as major * 10000 + minor * 100 + patch.
int ww_onednn_version(void);
/// Name of the instruction set that oneDNN will use, e.g. "avx512_core_bf16".
const char *ww_onednn_isa(void);
#endif
