#include "COneDNN.h"

#include <oneapi/dnnl/dnnl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

// K = inputs, N = outputs, M = rows of a call.

static dnnl_engine_t engine;
static dnnl_stream_t stream;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void start(void) {
    if (dnnl_engine_create(&engine, dnnl_cpu, 0) != dnnl_success) {
        engine = NULL;
        return;
    }
    if (dnnl_stream_create(&stream, engine, dnnl_stream_default_flags) != dnnl_success) stream = NULL;
}

// A memory descriptor is a struct in 2.x and a handle in 3.x.
#if DNNL_VERSION_MAJOR >= 3
typedef dnnl_memory_desc_t md_t;
static const_dnnl_memory_desc_t md_ref(const md_t *md) { return *md; }
static dnnl_status_t md_init(md_t *md, int n, const dnnl_dims_t dims, dnnl_format_tag_t tag) {
    return dnnl_memory_desc_create_with_tag(md, n, dims, dnnl_f32, tag);
}
static void md_free(md_t *md) {
    if (*md) dnnl_memory_desc_destroy(*md);
}
static dnnl_status_t md_of(md_t *md, const_dnnl_primitive_desc_t pd) {
    return dnnl_memory_desc_clone(md, dnnl_primitive_desc_query_md(pd, dnnl_query_weights_md, 0));
}
#else
typedef dnnl_memory_desc_t md_t;
static const dnnl_memory_desc_t *md_ref(const md_t *md) { return md; }
static dnnl_status_t md_init(md_t *md, int n, const dnnl_dims_t dims, dnnl_format_tag_t tag) {
    return dnnl_memory_desc_init_by_tag(md, n, dims, dnnl_f32, tag);
}
static void md_free(md_t *md) { (void)md; }
static dnnl_status_t md_of(md_t *md, const_dnnl_primitive_desc_t pd) {
    *md = *dnnl_primitive_desc_query_md(pd, dnnl_query_weights_md, 0);
    return dnnl_success;
}
#endif

typedef struct entry {
    int64_t M;
    dnnl_primitive_t primitive;
    dnnl_memory_t source, destination;
} entry;

// Batches come in few sizes; more than this many, and the oldest primitive makes room.
enum { ENTRIES = 32 };

struct ww_linear {
    int64_t K, N;
    ww_activation activation;
    int accumulate;
    float *weight, *bias;  // weight is freed once it is packed
    int packed;
    md_t packed_md;
    dnnl_memory_t packed_weight, bias_memory;
    entry entries[ENTRIES];
    int count, next;
};

ww_linear *ww_linear_create(const float *weight, const float *bias, int64_t K, int64_t N, ww_activation activation,
                            int accumulate) {
    pthread_once(&once, start);
    if (!engine || !stream) return NULL;
    ww_linear *layer = calloc(1, sizeof *layer);
    if (!layer) return NULL;
    layer->K = K;
    layer->N = N;
    layer->activation = activation;
    layer->accumulate = accumulate;
    layer->weight = malloc((size_t)(K * N) * sizeof(float));
    layer->bias = calloc((size_t)N, sizeof(float));
    md_t md;
    dnnl_dims_t dims = {1, N};
    if (!layer->weight || !layer->bias || md_init(&md, 2, dims, dnnl_ab) != dnnl_success) {
        ww_linear_destroy(layer);
        return NULL;
    }
    memcpy(layer->weight, weight, (size_t)(K * N) * sizeof(float));
    if (bias) memcpy(layer->bias, bias, (size_t)N * sizeof(float));
    dnnl_status_t status = dnnl_memory_create(&layer->bias_memory, md_ref(&md), engine, layer->bias);
    md_free(&md);
    if (status != dnnl_success) {
        ww_linear_destroy(layer);
        return NULL;
    }
    return layer;
}

static void entry_free(entry *e) {
    if (e->primitive) dnnl_primitive_destroy(e->primitive);
    if (e->source) dnnl_memory_destroy(e->source);
    if (e->destination) dnnl_memory_destroy(e->destination);
    memset(e, 0, sizeof *e);
}

void ww_linear_destroy(ww_linear *layer) {
    if (!layer) return;
    for (int i = 0; i < layer->count; i++) entry_free(&layer->entries[i]);
    if (layer->packed_weight) dnnl_memory_destroy(layer->packed_weight);
    if (layer->bias_memory) dnnl_memory_destroy(layer->bias_memory);
    if (layer->packed) md_free(&layer->packed_md);
    free(layer->weight);
    free(layer->bias);
    free(layer);
}

// The attributes: first the sum with what `out` holds, then the activation.
static dnnl_status_t attributes(const ww_linear *layer, dnnl_primitive_attr_t *attr) {
    dnnl_status_t status = dnnl_primitive_attr_create(attr);
    if (status != dnnl_success) return status;
    dnnl_post_ops_t ops;
    if ((status = dnnl_post_ops_create(&ops)) != dnnl_success) return status;
#if DNNL_VERSION_MAJOR >= 3
    if (layer->accumulate) status = dnnl_post_ops_append_sum(ops, 1.f, 0, dnnl_data_type_undef);
    if (status == dnnl_success && layer->activation == WW_ACTIVATION_QUICK_GELU)
        status = dnnl_post_ops_append_eltwise(ops, dnnl_eltwise_swish, 1.702f, 0.f);
    if (status == dnnl_success && layer->activation == WW_ACTIVATION_GELU)
        status = dnnl_post_ops_append_eltwise(ops, dnnl_eltwise_gelu_erf, 0.f, 0.f);
#else
    if (layer->accumulate) status = dnnl_post_ops_append_sum(ops, 1.f);
    if (status == dnnl_success && layer->activation == WW_ACTIVATION_QUICK_GELU)
        status = dnnl_post_ops_append_eltwise(ops, 1.f, dnnl_eltwise_swish, 1.702f, 0.f);
    if (status == dnnl_success && layer->activation == WW_ACTIVATION_GELU)
        status = dnnl_post_ops_append_eltwise(ops, 1.f, dnnl_eltwise_gelu_erf, 0.f, 0.f);
#endif
    if (status == dnnl_success) status = dnnl_primitive_attr_set_post_ops(*attr, ops);
    dnnl_post_ops_destroy(ops);
    return status;
}

// Brings the weights into the layout that the first primitive asked for.
static dnnl_status_t pack(ww_linear *layer, const_dnnl_primitive_desc_t pd) {
    md_t plain;
    dnnl_dims_t dims = {layer->K, layer->N};
    dnnl_memory_t from = NULL;
    dnnl_primitive_desc_t reorder_pd = NULL;
    dnnl_primitive_t reorder = NULL;
    dnnl_status_t status = md_of(&layer->packed_md, pd);
    if (status != dnnl_success) return status;
    if ((status = md_init(&plain, 2, dims, dnnl_ba)) != dnnl_success) return status;  // (N, K) is (K, N) transposed
    status = dnnl_memory_create(&layer->packed_weight, md_ref(&layer->packed_md), engine, DNNL_MEMORY_ALLOCATE);
    if (status == dnnl_success) status = dnnl_memory_create(&from, md_ref(&plain), engine, layer->weight);
    if (status == dnnl_success)
        status = dnnl_reorder_primitive_desc_create(
            &reorder_pd, md_ref(&plain), engine, md_ref(&layer->packed_md), engine, NULL);
    if (status == dnnl_success) status = dnnl_primitive_create(&reorder, reorder_pd);
    if (status == dnnl_success) {
        dnnl_exec_arg_t arguments[] = {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, layer->packed_weight}};
        status = dnnl_primitive_execute(reorder, stream, 2, arguments);
        if (status == dnnl_success) status = dnnl_stream_wait(stream);
    }
    if (reorder) dnnl_primitive_destroy(reorder);
    if (reorder_pd) dnnl_primitive_desc_destroy(reorder_pd);
    if (from) dnnl_memory_destroy(from);
    md_free(&plain);
    if (status == dnnl_success) {
        layer->packed = 1;
        free(layer->weight);
        layer->weight = NULL;
    }
    return status;
}

static dnnl_status_t make(ww_linear *layer, int64_t M, entry *e) {
    md_t source, weight, bias, destination;
    dnnl_dims_t a = {M, layer->K}, b = {layer->K, layer->N}, c = {M, layer->N}, d = {1, layer->N};
    dnnl_primitive_attr_t attr = NULL;
    dnnl_primitive_desc_t pd = NULL;
    dnnl_status_t status = dnnl_success;
    memset(e, 0, sizeof *e);
    e->M = M;
    if ((status = md_init(&source, 2, a, dnnl_ab)) != dnnl_success) return status;
    if ((status = md_init(&weight, 2, b, dnnl_format_tag_any)) != dnnl_success) return status;
    if ((status = md_init(&bias, 2, d, dnnl_ab)) != dnnl_success) return status;
    if ((status = md_init(&destination, 2, c, dnnl_ab)) != dnnl_success) return status;
    const md_t *chosen = layer->packed ? &layer->packed_md : &weight;
    status = attributes(layer, &attr);
    if (status == dnnl_success) {
#if DNNL_VERSION_MAJOR >= 3
        status = dnnl_matmul_primitive_desc_create(
            &pd, engine, md_ref(&source), md_ref(chosen), md_ref(&bias), md_ref(&destination), attr);
#else
        dnnl_matmul_desc_t desc;
        status = dnnl_matmul_desc_init(&desc, md_ref(&source), md_ref(chosen), md_ref(&bias), md_ref(&destination));
        if (status == dnnl_success) status = dnnl_primitive_desc_create(&pd, &desc, attr, engine, NULL);
#endif
    }
    if (status == dnnl_success && !layer->packed) status = pack(layer, pd);
    if (status == dnnl_success) status = dnnl_primitive_create(&e->primitive, pd);
    if (status == dnnl_success) status = dnnl_memory_create(&e->source, md_ref(&source), engine, NULL);
    if (status == dnnl_success) status = dnnl_memory_create(&e->destination, md_ref(&destination), engine, NULL);
    if (pd) dnnl_primitive_desc_destroy(pd);
    if (attr) dnnl_primitive_attr_destroy(attr);
    md_free(&source);
    md_free(&weight);
    md_free(&bias);
    md_free(&destination);
    if (status != dnnl_success) entry_free(e);
    return status;
}

int ww_linear_run(ww_linear *layer, const float *x, float *out, int64_t M) {
    entry *found = NULL;
    for (int i = 0; i < layer->count && !found; i++)
        if (layer->entries[i].M == M) found = &layer->entries[i];
    if (!found) {
        entry made;
        dnnl_status_t status = make(layer, M, &made);
        if (status != dnnl_success) return (int)status;
        if (layer->count < ENTRIES) {
            found = &layer->entries[layer->count++];
        } else {
            found = &layer->entries[layer->next];
            layer->next = (layer->next + 1) % ENTRIES;
            entry_free(found);
        }
        *found = made;
    }
    dnnl_status_t status = dnnl_memory_set_data_handle(found->source, (void *)x);
    if (status == dnnl_success) status = dnnl_memory_set_data_handle(found->destination, out);
    if (status != dnnl_success) return (int)status;
    dnnl_exec_arg_t arguments[] = {{DNNL_ARG_SRC, found->source},
                                   {DNNL_ARG_WEIGHTS, layer->packed_weight},
                                   {DNNL_ARG_BIAS, layer->bias_memory},
                                   {DNNL_ARG_DST, found->destination}};
    status = dnnl_primitive_execute(found->primitive, stream, 4, arguments);
    if (status == dnnl_success) status = dnnl_stream_wait(stream);
    return (int)status;
}

int ww_onednn_version(void) {
    const dnnl_version_t *v = dnnl_version();
    return v->major * 10000 + v->minor * 100 + v->patch;
}

const char *ww_onednn_isa(void) {
    switch ((int)dnnl_get_effective_cpu_isa()) {
    case dnnl_cpu_isa_sse41: return "sse41";
    case dnnl_cpu_isa_avx: return "avx";
    case dnnl_cpu_isa_avx2: return "avx2";
    case dnnl_cpu_isa_avx512_core: return "avx512_core";
    case dnnl_cpu_isa_avx512_core_vnni: return "avx512_core_vnni";
    case dnnl_cpu_isa_avx512_core_bf16: return "avx512_core_bf16";
    case dnnl_cpu_isa_avx512_core_amx: return "avx512_core_amx";
    default: return "other";
    }
}
