#include "linear_layer.h"

#include <stdlib.h>
#include <string.h>

#include "CKernels.h"
#include "library.h"

void linear_entry_free(entry *e) {
    if (e->primitive) dnnl_primitive_destroy(e->primitive);
    if (e->source) dnnl_memory_destroy(e->source);
    if (e->destination) dnnl_memory_destroy(e->destination);
    memset(e, 0, sizeof *e);
}

void ww_linear_destroy(ww_linear *layer) {
    if (!layer) return;
    for (size_t w = 0; layer->primitives && w < layer->workers; w++)
        for (int i = 0; i < layer->primitives[w].count; i++) linear_entry_free(&layer->primitives[w].entries[i]);
    free(layer->primitives);
    for (int64_t i = 0; i < layer->slabs; i++) {
        if (layer->packed_weight[i]) dnnl_memory_destroy(layer->packed_weight[i]);
        if (layer->bias_memory[i]) dnnl_memory_destroy(layer->bias_memory[i]);
    }
    if (layer->has_md) md_free(&layer->packed_md);
    if (layer->owned) free(layer->packed);
    free(layer->bias);
    free(layer);
}

// As many slabs as there are, all alike, of at least SLAB outputs in whole blocks of 64.
static int64_t slabs_of(int64_t N) {
    for (int64_t count = N / SLAB < MAX_SLABS ? N / SLAB : MAX_SLABS; count > 1; count--)
        if (N % (count * 64) == 0) return count;
    return 1;
}

static size_t rounded(size_t size) { return (size + 63) / 64 * 64; }

static dnnl_status_t make_bias(ww_linear *layer, const float *bias) {
    const size_t N = (size_t)layer->shape.outputs;
    layer->bias = calloc(N, sizeof(float));
    if (!layer->bias) return dnnl_out_of_memory;
    if (bias) memcpy(layer->bias, bias, N * sizeof(float));
    md_t md;
    dnnl_dims_t dims = {1, layer->columns};
    dnnl_status_t status = md_init(&md, 2, dims, dnnl_f32, dnnl_ab);
    if (status != dnnl_success) return status;
    for (int64_t i = 0; i < layer->slabs && status == dnnl_success; i++)
        status =
            dnnl_memory_create(&layer->bias_memory[i], md_ref(&md), library_engine(), layer->bias + i * layer->columns);
    md_free(&md);
    return status;
}

// Finds the layout of packed weights that oneDNN likes, and so their size.
static dnnl_status_t choose_layout(ww_linear *layer) {
    md_t source, destination;
    dnnl_primitive_desc_t pd = NULL;
    dnnl_status_t status = linear_describe(layer, TYPICAL_ROWS, &pd, &source, &destination);
    if (status != dnnl_success) return status;
    md_free(&source);
    md_free(&destination);
    status = md_of(&layer->packed_md, pd);
    layer->has_md = status == dnnl_success;
    dnnl_primitive_desc_destroy(pd);
    if (status != dnnl_success) return status;
    const size_t scales = 2 * (size_t)layer->shape.outputs * sizeof(float);
    layer->slab_size = rounded(dnnl_memory_desc_get_size(md_ref(&layer->packed_md)));
    layer->sums_at = (size_t)layer->slabs * layer->slab_size;
    layer->packed_size = layer->shape.input == WW_U8 ? rounded(layer->sums_at + scales) : layer->sums_at;
    return dnnl_success;
}

// Takes packed weights in place if they have the size that this layout needs, else packs `weight`.
static dnnl_status_t take_weights(ww_linear *layer, const float *weight, const void *packed, size_t packed_size) {
    if (packed && packed_size == layer->packed_size) {
        layer->packed = (void *)packed;
    } else if (weight) {
        layer->packed = aligned_alloc(64, layer->packed_size);
        layer->owned = 1;
        if (layer->packed) memset(layer->packed, 0, layer->packed_size);
    }
    if (!layer->packed) return dnnl_out_of_memory;
    dnnl_status_t status = dnnl_success;
    for (int64_t i = 0; i < layer->slabs && status == dnnl_success; i++)
        status = dnnl_memory_create(&layer->packed_weight[i], md_ref(&layer->packed_md), library_engine(),
                                    (char *)layer->packed + (size_t)i * layer->slab_size);
    if (status != dnnl_success || !layer->owned) return status;
    return layer->shape.input == WW_U8 ? linear_pack_bytes(layer, weight)
                                       : linear_pack(layer, weight, dnnl_f32, sizeof(float));
}

ww_linear *ww_linear_create(ww_linear_shape shape, const float *weight, const float *bias, const void *packed,
                            size_t packed_size) {
    if (!library_ready()) return NULL;
    ww_linear *layer = calloc(1, sizeof *layer);
    if (!layer) return NULL;
    layer->workers = ww_workers();
    layer->primitives = calloc(layer->workers, sizeof *layer->primitives);
    layer->shape = shape;
    // Of the other kinds oneDNN has no fast product whose rows lie apart: int8 took three times as long in slabs.
    layer->slabs = shape.input == WW_F32 ? slabs_of(shape.outputs) : 1;
    layer->columns = shape.outputs / layer->slabs;
    dnnl_status_t status = layer->primitives ? make_bias(layer, bias) : dnnl_out_of_memory;
    if (status == dnnl_success) status = choose_layout(layer);
    if (status == dnnl_success) status = take_weights(layer, weight, packed, packed_size);
    if (status == dnnl_success) return layer;
    ww_linear_destroy(layer);
    return NULL;
}

const void *ww_linear_packed(const ww_linear *layer, size_t *size) {
    *size = layer->packed_size;
    return layer->packed;
}

const float *ww_linear_bias(const ww_linear *layer) { return layer->bias; }

const float *ww_linear_scales(const ww_linear *layer) {
    return layer->shape.input == WW_U8 ? (const float *)((const char *)layer->packed + layer->sums_at) : NULL;
}
