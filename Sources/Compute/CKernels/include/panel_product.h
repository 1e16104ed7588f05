/// Linear layers whose weights are stored as panels (32 outputs each). M = rows of a call, K = inputs, N = outputs.
///
/// Each weight is read once per call, in order, and the next is fetched while the CPU multiplies: with few rows, a call
/// takes as long as reading the weights. Bias and activation are applied while a result is in the nearest cache. A
/// result does not depend on the number of rows. Where these kernels do not fit, oneDNN computes.
#ifndef WATCHWORD_PANEL_PRODUCT_H
#define WATCHWORD_PANEL_PRODUCT_H
#include "numbers.h"

/// The instructions that multiply panels for a type of input; the layout of panels is the same for all.
///
/// None; AVX-512 (WW_U8 needs VNNI, WW_BF16 needs AVX512-BF16); AMX tiles; or AVX2 with FMA, which cannot multiply
/// WW_U8.
typedef enum ww_panel_unit {
    WW_PANEL_NONE = 0,
    WW_PANEL_AVX512 = 1,
    WW_PANEL_TILES = 2,
    WW_PANEL_AVX2 = 3
} ww_panel_unit;

/// Returns the fastest instructions that this CPU has for a type of input.
ww_panel_unit ww_panel_unit_of(ww_kind input);

/// Returns 1 if a layer of these sizes can be stored as panels: K fills whole 64-byte lines and N whole panels.
int ww_panel_fits(ww_kind input, size_t K, size_t N);

/// Returns the size in bytes of a layer's weights stored as panels.
///
/// For WW_U8, each output's scale and scale * sum of its weights follow the panels.
size_t ww_panel_size(ww_kind input, size_t K, size_t N);

/// Stores weight (N, K) as panels in `packed`, aligned to 64. For WW_U8, each output's weights are quantised
/// symmetrically.
void ww_panel_pack(void *packed, ww_kind input, const float *weight, size_t K, size_t N);

typedef struct ww_panels {
    ww_panel_unit unit;  ///< must be available on this CPU
    ww_kind input;
    size_t K, N;
    const void *packed;
    const float *bias;  ///< (N)
} ww_panels;

/// Computes out = activation(x · weightᵀ + bias), or adds it to `out` if `add`. Returns 0, or -1 without memory.
///
/// With AVX-512 or AVX2, out (M, N) is WW_F32 or, from WW_BF16 input, WW_BF16, in row blocks if `out` is so marked;
/// they add only to WW_F32 without row blocks. With AMX tiles, out is WW_F32 without activation function, or WW_BF16
/// without adding, and x has memory for M rounded up to 32; the content of the extra rows does not matter.
int ww_panel_run(const ww_panels *layer, const ww_numbers *out, const ww_numbers *x, ww_activation activation, int add,
                 size_t M);
#endif
