/// The memory layout of a linear layer, and its primitives.
///
/// K = inputs, N = outputs, M = rows of a call, S = slabs of a layer.
#ifndef WATCHWORD_ONEDNN_LINEAR_LAYER_H
#define WATCHWORD_ONEDNN_LINEAR_LAYER_H
#include "COneDNN.h"
#include "memory_layout.h"

typedef struct entry {
    int64_t M;
    dnnl_primitive_t primitive;
    dnnl_memory_t source, destination;
} entry;

// Batches come in few sizes; more than this many, and a worker's oldest primitive makes room.
enum { ENTRIES = 16 };
// Weights of float32 lie in slabs of at least so many outputs, each a product of its own: few rows are spread over
// cores by slabs, so that each weight is read by one core only; many rows by rows.
enum { SLAB = 384, MAX_SLABS = 16 };
// Fewer rows are not worth a worker of their own; more than so many are read from the cache again and again by fewer
// than one core a slab.
enum { MIN_ROWS = 24, FEW_ROWS = 64 };

// The primitives of one worker: no two workers touch one at a time.
typedef struct worker_primitives {
    entry entries[ENTRIES];
    int count, next;
} worker_primitives;
// Weights are packed as the product of this many rows wants them: eight pictures of ViT-B/32.
enum { TYPICAL_ROWS = 400 };

struct ww_linear {
    ww_linear_shape shape;
    float *bias;
    void *packed;  // owned, or lent: slab after slab
    int owned;
    int64_t slabs, columns;  // of a slab
    size_t packed_size, slab_size, sums_at;
    md_t packed_md;  // of a slab
    int has_md;
    dnnl_memory_t packed_weight[MAX_SLABS], bias_memory[MAX_SLABS];
    worker_primitives *primitives;
    size_t workers;
};

/// Describes the product of M rows and a slab. The weights have the packed layout, or the one that oneDNN prefers if
/// nothing is packed yet.
dnnl_status_t linear_describe(ww_linear *layer, int64_t M, dnnl_primitive_desc_t *pd, md_t *source, md_t *destination);

/// Packs all slabs of weights (N, K). Their numbers have `type` and take `size` bytes.
dnnl_status_t linear_pack(ww_linear *layer, const void *weight, dnnl_data_type_t type, size_t size);

/// Quantises weights to bytes and packs them. The scales that turn sums into values follow behind them.
dnnl_status_t linear_pack_bytes(ww_linear *layer, const float *weight);

void linear_entry_free(entry *e);
#endif
