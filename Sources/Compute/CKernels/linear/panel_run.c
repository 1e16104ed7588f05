#include "linear/panel_work.h"

#include <pthread.h>
#include <stdlib.h>

// MARK: Rows that do not lie in blocks yet

static void pack_blocks(void *context, size_t first, size_t last, size_t worker) {
    const product_work *w = context;
    const size_t words = w->layer->K * panel_bytes_of(w->layer->input) / 4;
    (void)worker;
    for (size_t block = first; block < last; block++) {
        const size_t m = block_start(w->M, block), height = block_start(w->M, block + 1) - m;
        put_in_block((float *)w->rows, w->M, m, height, words, 0, words, (const float *)w->x->data + m * words);
    }
}

// MARK: Memory of rows packed here

// As many buffers as there have been callers at one time, each as large as its largest call.

typedef struct buffer {
    char *data;
    size_t size;
} buffer;

enum { KEPT = 8 };
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static buffer kept[KEPT];
static size_t kept_count;

static buffer take(size_t size) {
    buffer b = {NULL, 0};
    pthread_mutex_lock(&lock);
    if (kept_count) b = kept[--kept_count];
    pthread_mutex_unlock(&lock);
    if (b.size >= size) return b;
    free(b.data);
    b.size = (size + 63) / 64 * 64;
    b.data = aligned_alloc(64, b.size);
    return b;
}

static void give_back(buffer b) {
    pthread_mutex_lock(&lock);
    if (kept_count < KEPT) {
        kept[kept_count++] = b;
        b.data = NULL;
    }
    pthread_mutex_unlock(&lock);
    free(b.data);
}

int panel_run_vectors(const ww_panels *layer, const ww_numbers *out, const ww_numbers *x, ww_activation activation,
                      int add, size_t M) {
    // Fewer bytes are packed before another core is awake.
    enum { SMALL = 64 << 10 };
    product_work w = {layer, out, x, x->data, activation, add, M};
    buffer own = {NULL, 0};
    if (!x->blocked) {
        const size_t size = M * layer->K * panel_bytes_of(layer->input);
        own = take(size);
        if (!own.data) return -1;
        w.rows = own.data;
        if (size < SMALL)
            pack_blocks(&w, 0, blocks_of(M), 0);
        else
            ww_parallel(blocks_of(M), pack_blocks, &w);
    }
    ww_parallel(layer->N / PANEL, layer->unit == WW_PANEL_AVX2 ? panels_avx2 : panels_avx512, &w);
    if (own.data) give_back(own);
    return 0;
}
