#define _GNU_SOURCE
#include "COneDNN.h"

#include <dlfcn.h>
#include <math.h>
#include <oneapi/dnnl/dnnl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "CKernels.h"

// K = inputs, N = outputs, M = rows of a call, S = slabs of a layer.

static dnnl_engine_t engine;
static pthread_once_t once = PTHREAD_ONCE_INIT;
// oneDNN computes on the thread that calls it: its OpenMP runtime would wait, spinning, for threads that the system
// does not run. Rows are spread over the pool instead.
static _Thread_local dnnl_stream_t stream;

static void start(void) {
    if (dnnl_engine_create(&engine, dnnl_cpu, 0) != dnnl_success) engine = NULL;
}

// Readies the calling thread, once; 0 if there is no oneDNN.
static int ready(void) {
    if (stream) return 1;
    pthread_once(&once, start);
    void (*set)(int) = (void (*)(int))dlsym(RTLD_DEFAULT, "omp_set_num_threads");
    if (set) set(1);
    if (!engine || dnnl_stream_create(&stream, engine, dnnl_stream_default_flags) != dnnl_success) stream = NULL;
    return stream != NULL;
}

// A memory descriptor is a struct in 2.x and a handle in 3.x.
#if DNNL_VERSION_MAJOR >= 3
typedef dnnl_memory_desc_t md_t;
static const_dnnl_memory_desc_t md_ref(const md_t *md) { return *md; }
static dnnl_status_t md_init(md_t *md, int n, const dnnl_dims_t dims, dnnl_data_type_t type,
                             dnnl_format_tag_t tag) {
    return dnnl_memory_desc_create_with_tag(md, n, dims, type, tag);
}
static dnnl_status_t md_strided(md_t *md, int n, const dnnl_dims_t dims, dnnl_data_type_t type,
                                const dnnl_dims_t strides) {
    return dnnl_memory_desc_create_with_strides(md, n, dims, type, strides);
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
static dnnl_status_t md_strided(md_t *md, int n, const dnnl_dims_t dims, dnnl_data_type_t type,
                                const dnnl_dims_t strides) {
    return dnnl_memory_desc_init_by_strides(md, n, dims, type, strides);
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

// Batches come in few sizes; more than this many, and a worker's oldest primitive makes room.
enum { ENTRIES = 16 };
// Weights of float32 lie in slabs of at least so many outputs, each a product of its own: few rows are spread over
// cores by slabs, so that each weight is read by one core only; many rows by rows.
enum { SLAB = 384, MOST_SLABS = 16 };
// Fewer rows are not worth a worker of their own; more than so many are read from the cache again and again by fewer
// than one core a slab.
enum { FEWEST_ROWS = 24, FEW_ROWS = 64 };

// A worker's own: no two touch one at a time.
typedef struct shelf {
    entry entries[ENTRIES];
    int count, next;
} shelf;
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
    dnnl_memory_t packed_weight[MOST_SLABS], bias_memory[MOST_SLABS];
    shelf *shelves;
    size_t workers;
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
    for (size_t w = 0; layer->shelves && w < layer->workers; w++)
        for (int i = 0; i < layer->shelves[w].count; i++) entry_free(&layer->shelves[w].entries[i]);
    free(layer->shelves);
    for (int64_t i = 0; i < layer->slabs; i++) {
        if (layer->packed_weight[i]) dnnl_memory_destroy(layer->packed_weight[i]);
        if (layer->bias_memory[i]) dnnl_memory_destroy(layer->bias_memory[i]);
    }
    if (layer->has_md) md_free(&layer->packed_md);
    if (layer->owned) free(layer->packed);
    free(layer->bias);
    free(layer);
}

// The attributes: first the sum with what `out` holds, then the activation. Sums of bytes have neither: their scales
// come first, and differ by row.
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

// Describes the product of M rows and a slab; the weights in the packed layout, or in whichever oneDNN likes, if there
// is none yet.
static dnnl_status_t describe(ww_linear *layer, int64_t M, dnnl_primitive_desc_t *pd, md_t *source, md_t *destination) {
    const int64_t K = layer->shape.inputs, N = layer->columns;
    const int biased = layer->shape.input != WW_NUMBER_U8;
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

// Brings plain weights (columns, K) of `type` into the packed layout of a slab.
static dnnl_status_t pack_slab(ww_linear *layer, int64_t slab, const void *weight, dnnl_data_type_t type) {
    md_t plain;
    dnnl_dims_t dims = {layer->shape.inputs, layer->columns};
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
        dnnl_exec_arg_t arguments[] = {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, layer->packed_weight[slab]}};
        status = dnnl_primitive_execute(reorder, stream, 2, arguments);
        if (status == dnnl_success) status = dnnl_stream_wait(stream);
    }
    if (reorder) dnnl_primitive_destroy(reorder);
    if (reorder_pd) dnnl_primitive_desc_destroy(reorder_pd);
    if (from) dnnl_memory_destroy(from);
    md_free(&plain);
    return status;
}

// The same for all slabs of weights (N, K), whose numbers have `size` bytes.
static dnnl_status_t pack(ww_linear *layer, const void *weight, dnnl_data_type_t type, size_t size) {
    dnnl_status_t status = dnnl_success;
    for (int64_t i = 0; i < layer->slabs && status == dnnl_success; i++)
        status = pack_slab(
            layer, i, (const char *)weight + (size_t)(i * layer->columns * layer->shape.inputs) * size, type);
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
    const dnnl_status_t status = pack(layer, bytes, dnnl_s8, 1);
    free(bytes);
    return status;
}

// As many slabs as there are, all alike, of at least SLAB outputs in whole blocks of 64.
static int64_t slabs_of(int64_t N) {
    for (int64_t count = N / SLAB < MOST_SLABS ? N / SLAB : MOST_SLABS; count > 1; count--)
        if (N % (count * 64) == 0) return count;
    return 1;
}

static size_t rounded(size_t size) { return (size + 63) / 64 * 64; }

ww_linear *ww_linear_create(ww_linear_shape shape, const float *weight, const float *bias, const void *packed,
                            size_t packed_size) {
    if (!ready()) return NULL;
    ww_linear *layer = calloc(1, sizeof *layer);
    if (!layer) return NULL;
    layer->workers = ww_workers();
    layer->shelves = calloc(layer->workers, sizeof *layer->shelves);
    const size_t N = (size_t)shape.outputs;
    layer->shape = shape;
    // Of the other kinds oneDNN has no fast product whose rows lie apart: int8 took three times as long in slabs.
    layer->slabs = shape.input == WW_NUMBER_F32 ? slabs_of(shape.outputs) : 1;
    layer->columns = shape.outputs / layer->slabs;
    layer->bias = calloc(N, sizeof(float));
    md_t bias_md, source, destination;
    dnnl_dims_t dims = {1, layer->columns};
    dnnl_primitive_desc_t pd = NULL;
    dnnl_status_t status = layer->bias && layer->shelves ? md_init(&bias_md, 2, dims, dnnl_f32, dnnl_ab) : dnnl_out_of_memory;
    if (status == dnnl_success) {
        if (bias) memcpy(layer->bias, bias, N * sizeof(float));
        for (int64_t i = 0; i < layer->slabs && status == dnnl_success; i++)
            status = dnnl_memory_create(
                &layer->bias_memory[i], md_ref(&bias_md), engine, layer->bias + i * layer->columns);
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
        layer->slab_size = rounded(dnnl_memory_desc_get_size(md_ref(&layer->packed_md)));
        layer->sums_at = (size_t)layer->slabs * layer->slab_size;
        layer->packed_size =
            shape.input == WW_NUMBER_U8 ? rounded(layer->sums_at + 2 * N * sizeof(float)) : layer->sums_at;
        if (packed && packed_size == layer->packed_size) {
            layer->packed = (void *)packed;
        } else if (weight) {
            layer->packed = aligned_alloc(64, layer->packed_size);
            layer->owned = 1;
            if (layer->packed) memset(layer->packed, 0, layer->packed_size);
        }
        if (!layer->packed) status = dnnl_out_of_memory;
        for (int64_t i = 0; i < layer->slabs && status == dnnl_success; i++)
            status = dnnl_memory_create(
                &layer->packed_weight[i], md_ref(&layer->packed_md), engine,
                (char *)layer->packed + (size_t)i * layer->slab_size);
    }
    if (status == dnnl_success && layer->owned)
        status = shape.input == WW_NUMBER_U8 ? quantise_and_pack(layer, weight) : pack(layer, weight, dnnl_f32, sizeof(float));
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

static entry *find(shelf *own, int64_t M) {
    for (int i = 0; i < own->count; i++)
        if (own->entries[i].M == M) return &own->entries[i];
    return NULL;
}

// Makes what a worker needs for M rows, on the caller's thread: whichever worker meets them, nothing is left to be
// made.
static dnnl_status_t prepare(ww_linear *layer, shelf *own, int64_t M) {
    if (find(own, M)) return dnnl_success;
    entry made;
    const dnnl_status_t status = make(layer, M, &made);
    if (status != dnnl_success) return status;
    if (own->count < ENTRIES) {
        own->entries[own->count++] = made;
    } else {
        entry_free(&own->entries[own->next]);
        own->entries[own->next] = made;
        own->next = (own->next + 1) % ENTRIES;
    }
    return dnnl_success;
}

// One worker's rows, of one slab.
static dnnl_status_t run(ww_linear *layer, shelf *own, int64_t slab, const void *x, void *out, int64_t M) {
    entry *found = find(own, M);
    if (!found || !ready()) return dnnl_runtime_error;
    dnnl_status_t status = dnnl_memory_set_data_handle(found->source, (void *)x);
    if (status == dnnl_success) status = dnnl_memory_set_data_handle(found->destination, out);
    if (status != dnnl_success) return status;
    dnnl_exec_arg_t arguments[] = {{DNNL_ARG_SRC, found->source},
                                   {DNNL_ARG_WEIGHTS, layer->packed_weight[slab]},
                                   {DNNL_ARG_DST, found->destination},
                                   {DNNL_ARG_BIAS, layer->bias_memory[slab]}};
    status = dnnl_primitive_execute(found->primitive, stream, layer->shape.input == WW_NUMBER_U8 ? 3 : 4, arguments);
    return status == dnnl_success ? dnnl_stream_wait(stream) : status;
}

typedef struct run_work {
    ww_linear *layer;
    const char *x;
    char *out;
    int64_t M, chunk;
    _Atomic int status;
} run_work;

static int64_t size_of(ww_number kind) {
    return kind == WW_NUMBER_U8 ? 1 : kind == WW_NUMBER_BF16 ? 2 : 4;
}

static void run_chunks(void *context, size_t first, size_t last, size_t worker) {
    run_work *w = context;
    const ww_linear_shape *shape = &w->layer->shape;
    const int64_t slabs = w->layer->slabs, columns = w->layer->columns;
    // A slab after the other, of all chunks: numbered so that few rows, one chunk, are slabs only.
    for (int64_t i = (int64_t)first; i < (int64_t)last; i++) {
        const int64_t from = i / slabs * w->chunk, slab = i % slabs;
        const int64_t rows = w->M - from < w->chunk ? w->M - from : w->chunk;
        const dnnl_status_t status = run(
            w->layer, &w->layer->shelves[worker], slab, w->x + from * shape->inputs * size_of(shape->input),
            w->out + (from * shape->outputs + slab * columns) * size_of(shape->output), rows);
        if (status != dnnl_success) w->status = (int)status;
    }
}

int ww_linear_run(ww_linear *layer, const void *x, void *out, int64_t M) {
    const int timed = timing;
    const int64_t began = timed ? nanoseconds() : 0;
    const int64_t workers = (int64_t)layer->workers;
    // Few rows stay together; many are cut into a chunk a worker, all of one size but the last.
    int64_t chunk = layer->slabs >= workers && M <= FEW_ROWS ? M : (M + workers - 1) / workers;
    if (chunk < FEWEST_ROWS) chunk = M < 2 * FEWEST_ROWS ? M : (M + M / FEWEST_ROWS - 1) / (M / FEWEST_ROWS);
    // More workers than when the layer was made have no shelf in it.
    const int alone = workers == 1 || ww_workers() > layer->workers;
    if (alone) chunk = M;
    const int64_t tail = M % chunk, users = alone ? 1 : workers;
    for (int64_t i = 0; i < users; i++) {
        if (!ready()) return dnnl_runtime_error;
        dnnl_status_t status = prepare(layer, &layer->shelves[i], chunk);
        if (status == dnnl_success && tail) status = prepare(layer, &layer->shelves[i], tail);
        if (status != dnnl_success) return (int)status;
    }
    run_work w = {layer, x, out, M, chunk, dnnl_success};
    const size_t pieces = (size_t)((M + chunk - 1) / chunk * layer->slabs);
    if (alone)
        run_chunks(&w, 0, pieces, 0);
    else
        ww_parallel(pieces, run_chunks, &w);
    if (timed) spent += nanoseconds() - began;
    return w.status;
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
#if DNNL_VERSION_MAJOR >= 3
    case dnnl_cpu_isa_avx2_vnni: return "avx2_vnni";
    case dnnl_cpu_isa_avx2_vnni_2: return "avx2_vnni_2";
    case dnnl_cpu_isa_avx512_core_fp16: return "avx512_core_fp16";
    case dnnl_cpu_isa_avx512_core_amx_fp16: return "avx512_core_amx_fp16";
#endif
    default: return "other";
    }
}
