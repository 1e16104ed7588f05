#include "COneDNN.h"

#include <math.h>
#include <oneapi/dnnl/dnnl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

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
static dnnl_status_t md_init(md_t *md, int n, const dnnl_dims_t dims, dnnl_data_type_t type,
                             dnnl_format_tag_t tag) {
    return dnnl_memory_desc_create_with_tag(md, n, dims, type, tag);
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
static dnnl_status_t md_init(md_t *md, int n, const dnnl_dims_t dims, dnnl_data_type_t type,
                             dnnl_format_tag_t tag) {
    return dnnl_memory_desc_init_by_tag(md, n, dims, type, tag);
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
// Weights are packed as the product of this many rows wants them: eight pictures of ViT-B/32.
enum { TYPICAL_ROWS = 400 };

struct ww_linear {
    ww_linear_shape shape;
    float *bias;
    void *packed;  // owned, or lent
    int owned;
    size_t packed_size, sums_at;
    md_t packed_md;
    int has_md;
    dnnl_memory_t packed_weight, bias_memory;
    entry entries[ENTRIES];
    int count, next;
};

static dnnl_data_type_t type_of(ww_number kind) {
    switch (kind) {
    case WW_NUMBER_BF16: return dnnl_bf16;
    case WW_NUMBER_U8: return dnnl_u8;
    case WW_NUMBER_S32: return dnnl_s32;
    default: return dnnl_f32;
    }
}
static dnnl_data_type_t weight_type(const ww_linear *layer) {
    return layer->shape.input == WW_NUMBER_U8 ? dnnl_s8 : type_of(layer->shape.input);
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
    if (layer->has_md) md_free(&layer->packed_md);
    if (layer->owned) free(layer->packed);
    free(layer->bias);
    free(layer);
}

// The attributes: first the sum with what `out` holds, then the activation. Sums of bytes have neither: their scales come
// first, and differ by row.
static dnnl_status_t attributes(const ww_linear *layer, dnnl_primitive_attr_t *attr) {
    dnnl_status_t status = dnnl_primitive_attr_create(attr);
    if (status != dnnl_success || layer->shape.input == WW_NUMBER_U8) return status;
    dnnl_post_ops_t ops;
    if ((status = dnnl_post_ops_create(&ops)) != dnnl_success) return status;
#if DNNL_VERSION_MAJOR >= 3
    if (layer->shape.accumulate) status = dnnl_post_ops_append_sum(ops, 1.f, 0, dnnl_data_type_undef);
    if (status == dnnl_success && layer->shape.activation == WW_ACTIVATION_QUICK_GELU)
        status = dnnl_post_ops_append_eltwise(ops, dnnl_eltwise_swish, 1.702f, 0.f);
    if (status == dnnl_success && layer->shape.activation == WW_ACTIVATION_GELU)
        status = dnnl_post_ops_append_eltwise(ops, dnnl_eltwise_gelu_erf, 0.f, 0.f);
#else
    if (layer->shape.accumulate) status = dnnl_post_ops_append_sum(ops, 1.f);
    if (status == dnnl_success && layer->shape.activation == WW_ACTIVATION_QUICK_GELU)
        status = dnnl_post_ops_append_eltwise(ops, 1.f, dnnl_eltwise_swish, 1.702f, 0.f);
    if (status == dnnl_success && layer->shape.activation == WW_ACTIVATION_GELU)
        status = dnnl_post_ops_append_eltwise(ops, 1.f, dnnl_eltwise_gelu_erf, 0.f, 0.f);
#endif
    if (status == dnnl_success) status = dnnl_primitive_attr_set_post_ops(*attr, ops);
    dnnl_post_ops_destroy(ops);
    return status;
}

// Describes the product of M rows; the weights in the packed layout, or in whichever oneDNN likes, if there is none yet.
static dnnl_status_t describe(ww_linear *layer, int64_t M, dnnl_primitive_desc_t *pd, md_t *source, md_t *destination) {
    const int64_t K = layer->shape.inputs, N = layer->shape.outputs;
    const int biased = layer->shape.input != WW_NUMBER_U8;
    md_t weight, bias;
    dnnl_dims_t a = {M, K}, b = {K, N}, c = {M, N}, d = {1, N};
    dnnl_primitive_attr_t attr = NULL;
    dnnl_status_t status;
    if ((status = md_init(source, 2, a, type_of(layer->shape.input), dnnl_ab)) != dnnl_success) return status;
    if ((status = md_init(destination, 2, c, type_of(layer->shape.output), dnnl_ab)) != dnnl_success) return status;
    if ((status = md_init(&weight, 2, b, weight_type(layer), dnnl_format_tag_any)) != dnnl_success) return status;
    if ((status = md_init(&bias, 2, d, dnnl_f32, dnnl_ab)) != dnnl_success) return status;
    const md_t *chosen = layer->has_md ? &layer->packed_md : &weight;
    status = attributes(layer, &attr);
    if (status == dnnl_success) {
#if DNNL_VERSION_MAJOR >= 3
        status = dnnl_matmul_primitive_desc_create(
            pd, engine, md_ref(source), md_ref(chosen), biased ? md_ref(&bias) : NULL, md_ref(destination), attr);
#else
        dnnl_matmul_desc_t desc;
        status = dnnl_matmul_desc_init(
            &desc, md_ref(source), md_ref(chosen), biased ? md_ref(&bias) : NULL, md_ref(destination));
        if (status == dnnl_success) status = dnnl_primitive_desc_create(pd, &desc, attr, engine, NULL);
#endif
    }
    if (attr) dnnl_primitive_attr_destroy(attr);
    md_free(&weight);
    md_free(&bias);
    return status;
}

// Brings plain weights (N, K) of `type` into the packed layout.
static dnnl_status_t pack(ww_linear *layer, const void *weight, dnnl_data_type_t type) {
    md_t plain;
    dnnl_dims_t dims = {layer->shape.inputs, layer->shape.outputs};
    dnnl_memory_t from = NULL;
    dnnl_primitive_desc_t reorder_pd = NULL;
    dnnl_primitive_t reorder = NULL;
    dnnl_status_t status = md_init(&plain, 2, dims, type, dnnl_ba);  // (N, K) is (K, N) transposed
    if (status != dnnl_success) return status;
    status = dnnl_memory_create(&from, md_ref(&plain), engine, (void *)weight);
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
    return status;
}

// Weights to bytes by output channel, symmetric; what the sums' epilogue needs is written behind the packed weights.
static dnnl_status_t quantise_and_pack(ww_linear *layer, const float *weight) {
    const int64_t K = layer->shape.inputs, N = layer->shape.outputs;
    float *scale = (float *)((char *)layer->packed + layer->sums_at), *offset = scale + N;
    int8_t *bytes = malloc((size_t)(K * N));
    if (!bytes) return dnnl_out_of_memory;
    for (int64_t n = 0; n < N; n++) {
        const float *w = weight + n * K;
        float top = 0;
        for (int64_t k = 0; k < K; k++) top = fabsf(w[k]) > top ? fabsf(w[k]) : top;
        scale[n] = top > 0 ? top / 127 : 1;
        const float step = 1 / scale[n];
        int64_t sum = 0;
        for (int64_t k = 0; k < K; k++) {
            const float v = w[k] * step;
            const int q = (int)(v < 0 ? v - 0.5f : v + 0.5f);
            bytes[n * K + k] = (int8_t)(q > 127 ? 127 : q < -127 ? -127 : q);
            sum += bytes[n * K + k];
        }
        offset[n] = scale[n] * (float)sum;
    }
    const dnnl_status_t status = pack(layer, bytes, dnnl_s8);
    free(bytes);
    return status;
}

static size_t rounded(size_t size) { return (size + 63) / 64 * 64; }

ww_linear *ww_linear_create(ww_linear_shape shape, const float *weight, const float *bias, const void *packed,
                            size_t packed_size) {
    pthread_once(&once, start);
    if (!engine || !stream) return NULL;
    ww_linear *layer = calloc(1, sizeof *layer);
    if (!layer) return NULL;
    const size_t N = (size_t)shape.outputs;
    layer->shape = shape;
    layer->bias = calloc(N, sizeof(float));
    md_t bias_md, source, destination;
    dnnl_dims_t dims = {1, shape.outputs};
    dnnl_primitive_desc_t pd = NULL;
    dnnl_status_t status = layer->bias ? md_init(&bias_md, 2, dims, dnnl_f32, dnnl_ab) : dnnl_out_of_memory;
    if (status == dnnl_success) {
        if (bias) memcpy(layer->bias, bias, N * sizeof(float));
        status = dnnl_memory_create(&layer->bias_memory, md_ref(&bias_md), engine, layer->bias);
        md_free(&bias_md);
    }
    if (status == dnnl_success && (status = describe(layer, TYPICAL_ROWS, &pd, &source, &destination)) == dnnl_success) {
        md_free(&source);
        md_free(&destination);
        status = md_of(&layer->packed_md, pd);
        layer->has_md = status == dnnl_success;
        dnnl_primitive_desc_destroy(pd);
    }
    if (status == dnnl_success) {
        layer->sums_at = rounded(dnnl_memory_desc_get_size(md_ref(&layer->packed_md)));
        layer->packed_size =
            shape.input == WW_NUMBER_U8 ? rounded(layer->sums_at + 2 * N * sizeof(float)) : layer->sums_at;
        if (packed && packed_size == layer->packed_size) {
            layer->packed = (void *)packed;
        } else if (weight) {
            layer->packed = aligned_alloc(64, layer->packed_size);
            layer->owned = 1;
            if (layer->packed) memset(layer->packed, 0, layer->packed_size);
        }
        status = layer->packed ? dnnl_memory_create(
                                     &layer->packed_weight, md_ref(&layer->packed_md), engine, layer->packed)
                               : dnnl_out_of_memory;
    }
    if (status == dnnl_success && layer->owned)
        status = shape.input == WW_NUMBER_U8 ? quantise_and_pack(layer, weight) : pack(layer, weight, dnnl_f32);
    if (status != dnnl_success) {
        ww_linear_destroy(layer);
        return NULL;
    }
    return layer;
}

const void *ww_linear_packed(const ww_linear *layer, size_t *size) {
    *size = layer->packed_size;
    return layer->packed;
}

const float *ww_linear_bias(const ww_linear *layer) { return layer->bias; }

const float *ww_linear_scales(const ww_linear *layer) {
    return layer->shape.input == WW_NUMBER_U8 ? (const float *)((const char *)layer->packed + layer->sums_at) : NULL;
}

static dnnl_status_t make(ww_linear *layer, int64_t M, entry *e) {
    md_t source, destination;
    dnnl_primitive_desc_t pd = NULL;
    memset(e, 0, sizeof *e);
    e->M = M;
    dnnl_status_t status = describe(layer, M, &pd, &source, &destination);
    if (status != dnnl_success) return status;
    status = dnnl_primitive_create(&e->primitive, pd);
    if (status == dnnl_success) status = dnnl_memory_create(&e->source, md_ref(&source), engine, NULL);
    if (status == dnnl_success) status = dnnl_memory_create(&e->destination, md_ref(&destination), engine, NULL);
    dnnl_primitive_desc_destroy(pd);
    md_free(&source);
    md_free(&destination);
    if (status != dnnl_success) entry_free(e);
    return status;
}

static _Atomic int timing;
static _Atomic int64_t spent;

static int64_t nanoseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

void ww_products_time(int on) {
    spent = 0;
    timing = on;
}

int ww_products_timed(void) { return timing; }

void ww_products_add(int64_t more) { spent += more; }

double ww_products_seconds(void) { return (double)spent * 1e-9; }

int ww_linear_run(ww_linear *layer, const void *x, void *out, int64_t M) {
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
                                   {DNNL_ARG_DST, found->destination},
                                   {DNNL_ARG_BIAS, layer->bias_memory}};
    const int timed = timing;
    const int64_t began = timed ? nanoseconds() : 0;
    status = dnnl_primitive_execute(found->primitive, stream, layer->shape.input == WW_NUMBER_U8 ? 3 : 4, arguments);
    if (status == dnnl_success) status = dnnl_stream_wait(stream);
    if (timed) spent += nanoseconds() - began;
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
