/// The memory of a linear layer and its oneDNN primitives. K = inputs, N = outputs, M = rows of a call.
#ifndef WATCHWORD_ONEDNN_LINEAR_LAYER_H
#define WATCHWORD_ONEDNN_LINEAR_LAYER_H
#include "COneDNN.h"
#include "memory_layout.h"

typedef struct entry {
    int64_t M;
    dnnl_primitive_t primitive;
    dnnl_memory_t source, destination;
} entry;

// The primitives kept per worker: batches come in few sizes; beyond this many, the oldest primitive is replaced.
enum { ENTRIES = 16 };
// float32 weights are divided into slabs of at least this many outputs, each a product of its own. Few rows are divided
// among cores by slab, so that each weight is read by one core only; many rows are divided by row.
enum { SLAB = 384, MAX_SLABS = 16 };
// The fewest rows that are worth a worker of their own, and the most rows that are divided by slab.
enum { MIN_ROWS = 24, FEW_ROWS = 64 };

// The primitives of one worker; no two workers use one at a time.
typedef struct worker_primitives {
    entry entries[ENTRIES];
    int count, next;
} worker_primitives;
// The number of rows for which the weights' layout is chosen: eight pictures of ViT-B/32.
enum { TYPICAL_ROWS = 400 };

struct ww_linear {
    ww_linear_shape shape;
    float *bias;
    void *packed;  // owned, or lent by the caller: slab after slab
    int owned;
    int64_t slabs, columns;  // of a slab
    size_t packed_size, slab_size, sums_at;
    md_t packed_md;  // of a slab
    int has_md;
    dnnl_memory_t packed_weight[MAX_SLABS], bias_memory[MAX_SLABS];
    worker_primitives *primitives;
    size_t workers;
};

/// Describes the product of M rows and one slab (a part of the outputs) to oneDNN.
///
/// The weights have the layout chosen before, or the one that oneDNN prefers if there is none yet.
dnnl_status_t linear_describe(ww_linear *layer, int64_t M, dnnl_primitive_desc_t *pd, md_t *source, md_t *destination);

/// Stores the weights (N, K) in oneDNN's layout, slab after slab; a number has `type` and takes `size` bytes.
dnnl_status_t linear_pack(ww_linear *layer, const void *weight, dnnl_data_type_t type, size_t size);

/// Quantises the weights to bytes and stores them in oneDNN's layout, followed by the scales that turn sums into
/// values.
dnnl_status_t linear_pack_bytes(ww_linear *layer, const float *weight);

void linear_entry_free(entry *e);
#endif
