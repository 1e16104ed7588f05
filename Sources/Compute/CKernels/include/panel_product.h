/// Linear layers whose weights are packed in panels, with what follows the product done while it is in the nearest
/// cache. M = rows of a call, K = inputs, N = outputs.
///
/// oneDNN's products are the portable way. Here each weight is read once a call, in order, the next while the present
/// multiplies: few rows wait for no more than memory's own pace. Nothing goes far between the sums and their values.
/// The sum of an output does not depend on how many rows there are.
#ifndef WATCHWORD_PANEL_PRODUCT_H
#define WATCHWORD_PANEL_PRODUCT_H
#include "numbers.h"

/// What multiplies panels of an input: nothing, vectors of 512 bits (AVX-512; of WW_U8 with VNNI, of WW_BF16 with
/// BF16), tiles (AMX), or, but for WW_U8, vectors of 256 bits (AVX2 and FMA). Panels lie alike for all of them.
typedef enum ww_panel_unit {
    WW_PANEL_NONE = 0,
    WW_PANEL_AVX512 = 1,
    WW_PANEL_TILES = 2,
    WW_PANEL_AVX2 = 3
} ww_panel_unit;

/// The fastest unit that this CPU has.
ww_panel_unit ww_panel_unit_of(ww_kind input);

/// Whether the sizes fit: whole lines of 64 bytes of inputs, whole panels of outputs.
int ww_panel_fits(ww_kind input, size_t K, size_t N);

/// Bytes of the packed weights: panels of 32 outputs, in the order they are read; of WW_U8, then the scale of each
/// output and scale * sum of its weights.
size_t ww_panel_size(ww_kind input, size_t K, size_t N);

/// Packs weight (N, K), aligned to 64; for WW_U8 quantised by output, symmetric.
void ww_panel_pack(void *packed, ww_kind input, const float *weight, size_t K, size_t N);

typedef struct ww_panels {
    ww_panel_unit unit;  ///< one that this CPU has
    ww_kind input;
    size_t K, N;
    const void *packed;
    const float *bias;  ///< (N)
} ww_panels;

/// out = activation(x · weightᵀ + bias); or added to it.
///
/// By vectors, out (M, N) is WW_F32, or WW_BF16 of WW_BF16, its rows in blocks if they are so marked; what is added to
/// is WW_F32, not in blocks. x is copied into blocks if it does not lie so. By tiles, out is WW_F32, without a
/// activation, or WW_BF16, not added to; and x has room for rows up to a multiple of 32, whose content does not matter.
/// 0, or -1 if there is no memory.
int ww_panel_run(const ww_panels *layer, const ww_numbers *out, const ww_numbers *x, ww_activation activation, int add,
                 size_t M);
#endif
