#include <stdatomic.h>
#include <string.h>

#include "CKernels.h"
#include "library.h"
#include "linear_layer.h"

static dnnl_status_t make(ww_linear *layer, int64_t M, entry *e) {
    md_t source, destination;
    dnnl_primitive_desc_t pd = NULL;
    memset(e, 0, sizeof *e);
    e->M = M;
    dnnl_status_t status = linear_describe(layer, M, &pd, &source, &destination);
    if (status != dnnl_success) return status;
    status = dnnl_primitive_create(&e->primitive, pd);
    if (status == dnnl_success) status = dnnl_memory_create(&e->source, md_ref(&source), library_engine(), NULL);
    if (status == dnnl_success)
        status = dnnl_memory_create(&e->destination, md_ref(&destination), library_engine(), NULL);
    dnnl_primitive_desc_destroy(pd);
    md_free(&source);
    md_free(&destination);
    if (status != dnnl_success) linear_entry_free(e);
    return status;
}

static entry *find(worker_primitives *own, int64_t M) {
    for (int i = 0; i < own->count; i++)
        if (own->entries[i].M == M) return &own->entries[i];
    return NULL;
}

// Makes what a worker needs for M rows, on the caller's thread: whichever worker meets them, nothing is left to be
// made.
static dnnl_status_t prepare(ww_linear *layer, worker_primitives *own, int64_t M) {
    if (find(own, M)) return dnnl_success;
    entry made;
    const dnnl_status_t status = make(layer, M, &made);
    if (status != dnnl_success) return status;
    if (own->count < ENTRIES) {
        own->entries[own->count++] = made;
    } else {
        linear_entry_free(&own->entries[own->next]);
        own->entries[own->next] = made;
        own->next = (own->next + 1) % ENTRIES;
    }
    return dnnl_success;
}

// One worker's rows, of one slab.
static dnnl_status_t run(ww_linear *layer, worker_primitives *own, int64_t slab, const void *x, void *out, int64_t M) {
    entry *found = find(own, M);
    if (!found || !library_ready()) return dnnl_runtime_error;
    dnnl_status_t status = dnnl_memory_set_data_handle(found->source, (void *)x);
    if (status == dnnl_success) status = dnnl_memory_set_data_handle(found->destination, out);
    if (status != dnnl_success) return status;
    dnnl_exec_arg_t arguments[] = {{DNNL_ARG_SRC, found->source},
                                   {DNNL_ARG_WEIGHTS, layer->packed_weight[slab]},
                                   {DNNL_ARG_DST, found->destination},
                                   {DNNL_ARG_BIAS, layer->bias_memory[slab]}};
    status = dnnl_primitive_execute(found->primitive, library_stream(), layer->shape.input == WW_U8 ? 3 : 4, arguments);
    return status == dnnl_success ? dnnl_stream_wait(library_stream()) : status;
}

typedef struct run_work {
    ww_linear *layer;
    const char *x;
    char *out;
    int64_t M, chunk;
    _Atomic int status;
} run_work;

static int64_t size_of(ww_kind kind) { return kind == WW_U8 ? 1 : kind == WW_BF16 ? 2 : 4; }

static void run_chunks(void *context, size_t first, size_t last, size_t worker) {
    run_work *w = context;
    const ww_linear_shape *shape = &w->layer->shape;
    const int64_t slabs = w->layer->slabs, columns = w->layer->columns;
    // A slab after the other, of all chunks: numbered so that few rows, one chunk, are slabs only.
    for (int64_t i = (int64_t)first; i < (int64_t)last; i++) {
        const int64_t from = i / slabs * w->chunk, slab = i % slabs;
        const int64_t rows = w->M - from < w->chunk ? w->M - from : w->chunk;
        const dnnl_status_t status =
            run(w->layer, &w->layer->primitives[worker], slab, w->x + from * shape->inputs * size_of(shape->input),
                w->out + (from * shape->outputs + slab * columns) * size_of(shape->output), rows);
        if (status != dnnl_success) w->status = (int)status;
    }
}

int ww_linear_run(ww_linear *layer, const void *x, void *out, int64_t M) {
    const int timed = ww_products_timed();
    const int64_t began = timed ? ww_nanoseconds() : 0;
    const int64_t workers = (int64_t)layer->workers;
    // Few rows stay together; many are cut into a chunk a worker, all of one size but the last.
    int64_t chunk = layer->slabs >= workers && M <= FEW_ROWS ? M : (M + workers - 1) / workers;
    if (chunk < MIN_ROWS) chunk = M < 2 * MIN_ROWS ? M : (M + M / MIN_ROWS - 1) / (M / MIN_ROWS);
    // More workers than when the layer was made have no primitives in it.
    const int alone = workers == 1 || ww_workers() > layer->workers;
    if (alone) chunk = M;
    const int64_t tail = M % chunk, users = alone ? 1 : workers;
    for (int64_t i = 0; i < users; i++) {
        if (!library_ready()) return dnnl_runtime_error;
        dnnl_status_t status = prepare(layer, &layer->primitives[i], chunk);
        if (status == dnnl_success && tail) status = prepare(layer, &layer->primitives[i], tail);
        if (status != dnnl_success) return (int)status;
    }
    run_work w = {layer, x, out, M, chunk, dnnl_success};
    const size_t pieces = (size_t)((M + chunk - 1) / chunk * layer->slabs);
    if (alone)
        run_chunks(&w, 0, pieces, 0);
    else
        ww_parallel(pieces, run_chunks, &w);
    if (timed) ww_products_add(ww_nanoseconds() - began);
    return w.status;
}
