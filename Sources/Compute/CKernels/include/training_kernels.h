/// The functions of a training step other than matrix products, forward and backward, in parallel (`parallel.h`).
///
/// Each exists in float32 for training, and in float64 to check it. N = rows, W = width; dense, row-major. The order of
/// sums over rows does not depend on the number of workers.
#ifndef WATCHWORD_TRAINING_KERNELS_H
#define WATCHWORD_TRAINING_KERNELS_H
#include <stddef.h>
#include <stdint.h>

/// The sizes of attention: B sequences of T tokens, W wide, in H heads.
///
/// `lengths` is (B) or NULL: -1e6 is added to the scores of keys beyond a sequence's length.
typedef struct ww_heads {
    size_t B, T, W, H;
    const int32_t *lengths;
    int causal;
} ww_heads;

/// The constants of one step of Adam, for g = scale * gradient: m = 0.9 m + 0.1 g; v = 0.98 v + 0.02 g²; p = shrink * p
/// - rate * (m / (root * sqrt(v) + epsilon) + decay * p).
typedef struct ww_adam_step {
    double scale, rate, shrink, decay, root, epsilon;
} ww_adam_step;

#define WW_TRAINING_KERNELS(REAL, NAME)                                                                               \
    /* Writes y (N, W) from x (N, W); for the backward pass, `normalised` (N, W) and `inverse` (N): 1 / deviation. */ \
    void NAME(layer_norm)(REAL * y, REAL * normalised, REAL * inverse, const REAL *x, const REAL *weight,             \
                          const REAL *bias, double epsilon, size_t N, size_t W);                                      \
    /* Writes dx (N, W), and adds to dweight (W) and dbias (W). */                                                    \
    void NAME(layer_norm_back)(REAL * dx, REAL * dweight, REAL * dbias, const REAL *dy, const REAL *normalised,       \
                               const REAL *inverse, const REAL *weight, size_t N, size_t W);                          \
    /* y = x * sigmoid(1.702 x) */                                                                                    \
    void NAME(quick_gelu)(REAL * y, const REAL *x, size_t count);                                                     \
    void NAME(quick_gelu_back)(REAL * dx, const REAL *dy, const REAL *x, size_t count);                               \
    /* y = x / 2 * (1 + erf(x / sqrt(2))) */                                                                          \
    void NAME(gelu)(REAL * y, const REAL *x, size_t count);                                                           \
    void NAME(gelu_back)(REAL * dx, const REAL *dy, const REAL *x, size_t count);                                     \
    /* y += x */                                                                                                      \
    void NAME(add)(REAL * y, const REAL *x, size_t count);                                                            \
    /* Copies x (W) to every row of y (N, W). */                                                                      \
    void NAME(fill_rows)(REAL * y, const REAL *x, size_t N, size_t W);                                                \
    /* Adds the sum of each column of x (N, W) to sums (W). */                                                        \
    void NAME(add_columns)(REAL * sums, const REAL *x, size_t N, size_t W);                                           \
    /* Attention: context (B, T, W) and probabilities (B, H, T, T) from packed (B, T, 3W): q, k and v. */             \
    void NAME(attend)(REAL * context, REAL * probabilities, const REAL *packed, const ww_heads *heads);               \
    void NAME(attend_back)(                                                                                           \
        REAL * dpacked, const REAL *dcontext, const REAL *packed, const REAL *probabilities, const ww_heads *heads);  \
    double NAME(squares)(const REAL *x, size_t count);                                                                \
    void NAME(adam)(REAL * p, const REAL *gradient, REAL *m, REAL *v, size_t count, const ww_adam_step *step);

/// Makes the process keep freed memory from now on, so that the next training step reuses it.
void ww_keep_memory(void);

#define WW_F32(name) ww_f32_##name
#define WW_F64(name) ww_f64_##name
WW_TRAINING_KERNELS(float, WW_F32)
WW_TRAINING_KERNELS(double, WW_F64)
#endif
