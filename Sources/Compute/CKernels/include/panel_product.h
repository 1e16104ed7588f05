/// Linear layers with weights packed in panels. What follows a product is done while its result is in the nearest
/// cache. M = rows of a call, K = inputs, N = outputs.
///
/// oneDNN's products are the portable way. Here each weight is read once a call, in order, and the next is fetched
/// while the present one multiplies: with few rows, a call takes as long as reading the weights. The sum of an output
/// does not depend on the number of rows.
#ifndef WATCHWORD_PANEL_PRODUCT_H
#define WATCHWORD_PANEL_PRODUCT_H
#include "numbers.h"

/// The CPU unit that multiplies panels of a kind of input.
///
/// None; vectors of 512 bits (AVX-512; WW_U8 needs VNNI, WW_BF16 needs AVX512-BF16); tiles (AMX); or vectors of 256
/// bits (AVX2 and FMA), which do not multiply WW_U8. The layout of panels is the same for all units.
typedef enum ww_panel_unit {
    WW_PANEL_NONE = 0,
    WW_PANEL_AVX512 = 1,
    WW_PANEL_TILES = 2,
    WW_PANEL_AVX2 = 3
} ww_panel_unit;

/// The fastest unit of this CPU for a kind of input.
ww_panel_unit ww_panel_unit_of(ww_kind input);

/// Whether the sizes fit panels: K fills whole lines of 64 bytes, and N whole panels.
int ww_panel_fits(ww_kind input, size_t K, size_t N);

/// The size of packed weights in bytes: panels of 32 outputs, in the order they are read. For WW_U8, each output's
/// scale and scale * sum of its weights follow.
size_t ww_panel_size(ww_kind input, size_t K, size_t N);

/// Packs weight (N, K); `packed` is aligned to 64. For WW_U8, weights are quantised by output, symmetrically.
void ww_panel_pack(void *packed, ww_kind input, const float *weight, size_t K, size_t N);

typedef struct ww_panels {
    ww_panel_unit unit;  ///< one that this CPU has
    ww_kind input;
    size_t K, N;
    const void *packed;
    const float *bias;  ///< (N)
} ww_panels;

/// Computes out = activation(x · weightᵀ + bias), or adds it to `out`. Returns 0, or -1 if there is no memory.
///
/// Vector units write out (M, N) as WW_F32 or, from WW_BF16, as WW_BF16, in row blocks if `out` is so marked. They add
/// only to WW_F32 outside row blocks, and copy x into row blocks if needed. Tiles write WW_F32 without an activation,
/// or WW_BF16 without adding. For tiles, x has room for rows up to a multiple of 32; the content of the extra rows does
/// not matter.
int ww_panel_run(const ww_panels *layer, const ww_numbers *out, const ww_numbers *x, ww_activation activation, int add,
                 size_t M);
#endif
