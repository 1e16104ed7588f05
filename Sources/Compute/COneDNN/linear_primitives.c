#include <stdlib.h>

#include "CKernels.h"
#include "library.h"
#include "linear_layer.h"

static dnnl_data_type_t type_of(ww_kind kind) {
    switch (kind) {
    case WW_BF16: return dnnl_bf16;
    case WW_U8: return dnnl_u8;
    case WW_S32: return dnnl_s32;
    default: return dnnl_f32;
    }
}
static dnnl_data_type_t weight_type(const ww_linear *layer) {
    return layer->shape.input == WW_U8 ? dnnl_s8 : type_of(layer->shape.input);
}

// The attributes: first the sum with what `out` holds, then the activation. Sums of bytes have neither: their scales
// come first, and differ by row.
static dnnl_status_t attributes(const ww_linear *layer, dnnl_primitive_attr_t *attr) {
    dnnl_status_t status = dnnl_primitive_attr_create(attr);
    if (status != dnnl_success || layer->shape.input == WW_U8) return status;
    dnnl_post_ops_t ops;
    if ((status = dnnl_post_ops_create(&ops)) != dnnl_success) return status;
#if DNNL_VERSION_MAJOR >= 3
    if (layer->shape.accumulate) status = dnnl_post_ops_append_sum(ops, 1.f, 0, dnnl_data_type_undef);
    if (status == dnnl_success && layer->shape.activation == WW_ACTIVATION_QUICK_GELU)
        status = dnnl_post_ops_append_eltwise(ops, dnnl_eltwise_swish, 1.702f, 0.f);
    if (status == dnnl_success && layer->shape.activation == WW_ACTIVATION_GELU)
        status = dnnl_post_ops_append_eltwise(ops, dnnl_eltwise_gelu_erf, 0.f, 0.f);
    if (status == dnnl_success && layer->shape.activation == WW_ACTIVATION_TANH_GELU)
        status = dnnl_post_ops_append_eltwise(ops, dnnl_eltwise_gelu_tanh, 0.f, 0.f);
#else
    if (layer->shape.accumulate) status = dnnl_post_ops_append_sum(ops, 1.f);
    if (status == dnnl_success && layer->shape.activation == WW_ACTIVATION_QUICK_GELU)
        status = dnnl_post_ops_append_eltwise(ops, 1.f, dnnl_eltwise_swish, 1.702f, 0.f);
    if (status == dnnl_success && layer->shape.activation == WW_ACTIVATION_GELU)
        status = dnnl_post_ops_append_eltwise(ops, 1.f, dnnl_eltwise_gelu_erf, 0.f, 0.f);
    if (status == dnnl_success && layer->shape.activation == WW_ACTIVATION_TANH_GELU)
        status = dnnl_post_ops_append_eltwise(ops, 1.f, dnnl_eltwise_gelu_tanh, 0.f, 0.f);
#endif
    if (status == dnnl_success) status = dnnl_primitive_attr_set_post_ops(*attr, ops);
    dnnl_post_ops_destroy(ops);
    return status;
}

dnnl_status_t linear_describe(ww_linear *layer, int64_t M, dnnl_primitive_desc_t *pd, md_t *source, md_t *destination) {
    const int64_t K = layer->shape.inputs, N = layer->columns;
    const int biased = layer->shape.input != WW_U8;
    md_t weight, bias;
    dnnl_dims_t a = {M, K}, b = {K, N}, c = {M, N}, d = {1, N};
    dnnl_primitive_attr_t attr = NULL;
    dnnl_status_t status;
    if ((status = md_init(source, 2, a, type_of(layer->shape.input), dnnl_ab)) != dnnl_success) return status;
    dnnl_dims_t strides = {layer->shape.outputs, 1};
    if ((status = md_strided(destination, 2, c, type_of(layer->shape.output), strides)) != dnnl_success) return status;
    if ((status = md_init(&weight, 2, b, weight_type(layer), dnnl_format_tag_any)) != dnnl_success) return status;
    if ((status = md_init(&bias, 2, d, dnnl_f32, dnnl_ab)) != dnnl_success) return status;
    const md_t *chosen = layer->has_md ? &layer->packed_md : &weight;
    status = attributes(layer, &attr);
    if (status == dnnl_success) {
#if DNNL_VERSION_MAJOR >= 3
        status = dnnl_matmul_primitive_desc_create(pd, library_engine(), md_ref(source), md_ref(chosen),
                                                   biased ? md_ref(&bias) : NULL, md_ref(destination), attr);
#else
        dnnl_matmul_desc_t desc;
        status = dnnl_matmul_desc_init(
            &desc, md_ref(source), md_ref(chosen), biased ? md_ref(&bias) : NULL, md_ref(destination));
        if (status == dnnl_success) status = dnnl_primitive_desc_create(pd, &desc, attr, library_engine(), NULL);
#endif
    }
    if (attr) dnnl_primitive_attr_destroy(attr);
    md_free(&weight);
    md_free(&bias);
    return status;
}

// Brings plain weights (columns, K) of `type` into the packed layout of a slab.
static dnnl_status_t pack_slab(ww_linear *layer, int64_t slab, const void *weight, dnnl_data_type_t type) {
    md_t plain;
    dnnl_dims_t dims = {layer->shape.inputs, layer->columns};
    dnnl_memory_t from = NULL;
    dnnl_primitive_desc_t reorder_pd = NULL;
    dnnl_primitive_t reorder = NULL;
    dnnl_status_t status = md_init(&plain, 2, dims, type, dnnl_ba);  // (N, K) is (K, N) transposed
    if (status != dnnl_success) return status;
    status = dnnl_memory_create(&from, md_ref(&plain), library_engine(), (void *)weight);
    if (status == dnnl_success)
        status = dnnl_reorder_primitive_desc_create(
            &reorder_pd, md_ref(&plain), library_engine(), md_ref(&layer->packed_md), library_engine(), NULL);
    if (status == dnnl_success) status = dnnl_primitive_create(&reorder, reorder_pd);
    if (status == dnnl_success) {
        dnnl_exec_arg_t arguments[] = {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, layer->packed_weight[slab]}};
        status = dnnl_primitive_execute(reorder, library_stream(), 2, arguments);
        if (status == dnnl_success) status = dnnl_stream_wait(library_stream());
    }
    if (reorder) dnnl_primitive_destroy(reorder);
    if (reorder_pd) dnnl_primitive_desc_destroy(reorder_pd);
    if (from) dnnl_memory_destroy(from);
    md_free(&plain);
    return status;
}

dnnl_status_t linear_pack(ww_linear *layer, const void *weight, dnnl_data_type_t type, size_t size) {
    dnnl_status_t status = dnnl_success;
    for (int64_t i = 0; i < layer->slabs && status == dnnl_success; i++)
        status =
            pack_slab(layer, i, (const char *)weight + (size_t)(i * layer->columns * layer->shape.inputs) * size, type);
    return status;
}

dnnl_status_t linear_pack_bytes(ww_linear *layer, const float *weight) {
    const int64_t K = layer->shape.inputs, N = layer->shape.outputs;
    float *scale = (float *)((char *)layer->packed + layer->sums_at), *offset = scale + N;
    int8_t *bytes = malloc((size_t)(K * N));
    if (!bytes) return dnnl_out_of_memory;
    for (int64_t n = 0; n < N; n++) ww_weight_bytes(bytes + n * K, &scale[n], &offset[n], weight + n * K, (size_t)K);
    const dnnl_status_t status = linear_pack(layer, bytes, dnnl_s8, 1);
    free(bytes);
    return status;
}
