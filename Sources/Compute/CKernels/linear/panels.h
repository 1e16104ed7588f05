/// The layout of panels, and the conversion of their sums to values; shared by all kernels that multiply panels.
#ifndef WATCHWORD_PANELS_H
#define WATCHWORD_PANELS_H
#include "linear/activation_functions.h"
#include "panel_product.h"

// A panel is 32 outputs: for each step of K, two tiles of 16 rows of 64 bytes. A row holds 16 outputs, and for each of
// them one float32, two bfloat16 or four bytes that are consecutive in K.
enum { PANEL = 32, STEP = 64, TILE = 1024 };

static inline size_t panel_bytes_of(ww_kind input) { return input == WW_U8 ? 1 : input == WW_BF16 ? 2 : 4; }

// The constants that turn a product's sums into values.
typedef struct panel_means {
    const float *bias, *scale, *offset;  // (N); the last two only for WW_U8
    const ww_row *rows;                  // only for WW_U8
} panel_means;

static inline panel_means panel_means_of(const ww_panels *layer, const ww_numbers *x) {
    const float *scales = (const float *)((const char *)layer->packed + layer->K * layer->N);
    return (panel_means){layer->bias, scales, scales + layer->N, x->rows};
}

// Converts sixteen sums of row `m`, from output `n` on, to values; sums are int32 for bytes, otherwise float32.
INLINE void panel_values(vf *v, const panel_means *by, size_t m, size_t n, const void *sums, int bytes,
                         ww_activation activation) {
    vf bias;
    load(&bias, by->bias + n);
    if (bytes) {
        const float a = by->rows[m].scale, b = a * by->rows[m].zero;
        vf scale, offset;
        vi whole;
        load(&scale, by->scale + n);
        load(&offset, by->offset + n);
        memcpy(&whole, sums, sizeof whole);
        *v = __builtin_convertvector(whole, vf) * scale * a + (bias - offset * b);
    } else {
        load(v, sums);
        *v += bias;
    }
    activate(v, activation);
}

// The two kinds of kernel, by vectors and by AMX tiles; tiles need amx_available().
int panel_run_vectors(const ww_panels *layer, const ww_numbers *out, const ww_numbers *x, ww_activation activation,
                      int add, size_t M);
void panel_run_tiles(const ww_panels *layer, const ww_numbers *out, const ww_numbers *x, ww_activation activation,
                     int add, size_t M);
#endif
