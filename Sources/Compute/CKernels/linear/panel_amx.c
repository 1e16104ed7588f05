#include "linear/panels.h"
#include "parallel.h"
#include "runtime/amx.h"

#if defined(__x86_64__) && defined(__linux__)

#include <immintrin.h>

#define TILES __attribute__((target("amx-tile,amx-bf16,amx-int8,avx512f,avx512bw,avx512vl,avx512dq,avx512bf16,fma")))

typedef struct product_work {
    const ww_panels *layer;
    const ww_numbers *out, *x;
    ww_activation activation;
    int add;
    size_t M;
} product_work;

// What is the same for all blocks, and known where this is inlined.
typedef struct manner {
    int bytes, add;
    ww_kind kind;
    ww_activation activation;
} manner;

// What a block's values are made with, kept apart from what is written meanwhile, and where they go.
typedef struct means {
    panel_means values;
    char *out;
    size_t stride;  // bytes of a row of `out`
} means;

// A block of 32 rows by 32 outputs whose sums are there, and whose values are not.
typedef struct pending {
    const char *sums;
    size_t m, n, count, done;  // rows
} pending;

// The next row's sums to values, and on to where they are wanted.
TILES INLINE void deliver(means by, pending *p, manner how) {
    const size_t r = p->done++;
    const char *sums = p->sums + r * PANEL * 4;
    char *out = by.out + (p->m + r) * by.stride + p->n * (how.kind == WW_BF16 ? 2 : 4);
    for (size_t i = 0; i < PANEL; i += LANES) {
        vf v;
        panel_values(&v, &by.values, p->m + r, p->n + i, sums + i * 4, how.bytes, how.activation);
        if (how.kind == WW_BF16) {
            const __m256i narrow = (__m256i)_mm512_cvtneps_pbh((__m512)v);
            memcpy(out + i * 2, &narrow, sizeof narrow);
        } else {
            vf old;
            if (how.add) load(&old, (const float *)out + i), v += old;
            store((float *)out + i, &v);
        }
    }
}

// Lines of memory that are wanted next.
typedef struct ahead {
    const char *next, *end;
    size_t lines;  // a step
} ahead;

INLINE void fetch_to(ahead *f, const char *end) {
    for (; f->next < end && f->next < f->end; f->next += 64) _mm_prefetch(f->next, _MM_HINT_T1);
}

#define SUM(tile, x, y)           \
    if (how.bytes)                \
        _tile_dpbusd(tile, x, y); \
    else                          \
        _tile_dpbf16ps(tile, x, y);

// The sums of two tiles of outputs by one or two of rows, through all of K. Tiles multiply for 64 cycles a step: in
// their shadow, the block before is delivered and what comes next is fetched.
TILES INLINE void sum(means by, char *sums, const char *a, const char *b, size_t steps, int two, pending *before,
                      ahead *fetch, manner how) {
    const size_t stride = steps * STEP, rows = (PANEL + steps - 1) / steps;
    pending p = *before;
    ahead f = *fetch;
    _tile_zero(0);
    _tile_zero(1);
    if (two) _tile_zero(2);
    if (two) _tile_zero(3);
    for (size_t k = 0; k < steps; k++) {
        _tile_loadd(4, a + k * STEP, stride);
        _tile_loadd(6, b + k * 2 * TILE, STEP);
        SUM(0, 4, 6)
        _tile_loadd(7, b + k * 2 * TILE + TILE, STEP);
        SUM(1, 4, 7)
        if (two) {
            _tile_loadd(5, a + 16 * stride + k * STEP, stride);
            SUM(2, 5, 6)
            SUM(3, 5, 7)
        }
        for (size_t i = 0; i < rows && p.done < p.count; i++) deliver(by, &p, how);
        fetch_to(&f, f.next + f.lines * 64);
    }
    while (p.done < p.count) deliver(by, &p, how);
    _tile_stored(0, sums, PANEL * 4);
    _tile_stored(1, sums + 64, PANEL * 4);
    if (two) _tile_stored(2, sums + 16 * PANEL * 4, PANEL * 4);
    if (two) _tile_stored(3, sums + 16 * PANEL * 4 + 64, PANEL * 4);
    *fetch = f;
}

// Panels [first, last) of outputs, in groups that stay in the second cache, so that the rows, which may not fit there,
// come from farther away once a group. Weights come from far away once: while one group multiplies, the next is
// fetched, up to panel `end`, where the worker's part ends. Nobody has fetched the first group of a part: its first
// rows do so for themselves, a few lines faster than they use them.
TILES INLINE void multiply(const product_work *w, size_t first, size_t last, size_t end, int cold, manner how) {
    enum { NEAR = 768 << 10, HEAD = 8 << 10 };
    const ww_panels *layer = w->layer;
    const size_t stride = layer->K * (how.bytes ? 1 : 2), steps = stride / STEP, panel = steps * 2 * TILE;
    const size_t blocks = (w->M + PANEL - 1) / PANEL, group = panel < NEAR ? NEAR / panel : 1;
    const size_t even = (panel / 64 + blocks * steps - 1) / (blocks * steps), fast = 2 * TILE / 64 * 3 / 2;
    const char *packed = layer->packed;
    const means by = {panel_means_of(layer, w->x), w->out->data, layer->N * (how.kind == WW_BF16 ? 2 : 4)};
    ahead fetch = {packed + first * panel, packed + end * panel, fast};
    if (cold) fetch_to(&fetch, fetch.next + HEAD);
    _Alignas(64) char sums[2][PANEL * PANEL * 4];
    pending before = {sums[1], 0, 0, 0, 0};
    for (size_t p = first; p < last; p += group) {
        const size_t until = p + group < last ? p + group : last;
        for (size_t m = 0; m < w->M; m += PANEL) {
            const char *a = (const char *)w->x->data + m * stride;
            const size_t rows = w->M - m < PANEL ? w->M - m : PANEL;
            if (m > 0 || !cold) {
                fetch.lines = even;
                if (fetch.next < packed + until * panel) fetch.next = packed + until * panel;
            }
            for (size_t q = p; q < until; q++) {
                char *to = before.sums == sums[0] ? sums[1] : sums[0];
                if (rows > 16)
                    sum(by, to, a, packed + q * panel, steps, 1, &before, &fetch, how);
                else
                    sum(by, to, a, packed + q * panel, steps, 0, &before, &fetch, how);
                before = (pending){to, m, q * PANEL, rows, 0};
            }
        }
        cold = 0;
    }
    while (before.done < before.count) deliver(by, &before, how);
}

TILES INLINE void choose(const product_work *w, size_t first, size_t last, size_t end, int cold, int bytes) {
    if (w->add)
        multiply(w, first, last, end, cold, (manner){bytes, 1, WW_F32, WW_ACTIVATION_NONE});
    else if (w->out->kind == WW_F32)
        multiply(w, first, last, end, cold, (manner){bytes, 0, WW_F32, WW_ACTIVATION_NONE});
    else if (w->activation == WW_ACTIVATION_NONE)
        multiply(w, first, last, end, cold, (manner){bytes, 0, WW_BF16, WW_ACTIVATION_NONE});
    else if (w->activation == WW_ACTIVATION_QUICK_GELU)
        multiply(w, first, last, end, cold, (manner){bytes, 0, WW_BF16, WW_ACTIVATION_QUICK_GELU});
    else if (w->activation == WW_ACTIVATION_GELU)
        multiply(w, first, last, end, cold, (manner){bytes, 0, WW_BF16, WW_ACTIVATION_GELU});
    else
        multiply(w, first, last, end, cold, (manner){bytes, 0, WW_BF16, WW_ACTIVATION_TANH_GELU});
}

TILES static void panels(void *context, size_t first, size_t last, size_t worker) {
    const product_work *w = context;
    // The worker's own part, cut as the pool cuts it; a piece of another's part may be followed by anything.
    const size_t count = w->layer->N / PANEL, workers = ww_workers();
    const size_t start = count * worker / workers, stop = count * (worker + 1) / workers;
    const int own = start <= first && last <= stop;
    amx_begin();
    if (w->layer->input == WW_U8)
        choose(w, first, last, own ? stop : last, !own || first == start, 1);
    else
        choose(w, first, last, own ? stop : last, !own || first == start, 0);
    amx_end();
}

void panel_run_tiles(const ww_panels *layer, const ww_numbers *out, const ww_numbers *x, ww_activation activation,
                     int add, size_t M) {
    product_work w = {layer, out, x, activation, add, M};
    ww_parallel(layer->N / PANEL, panels, &w);
}

#else

void panel_run_tiles(const ww_panels *layer, const ww_numbers *out, const ww_numbers *x, ww_activation activation,
                     int add, size_t M) {
    (void)layer, (void)out, (void)x, (void)activation, (void)add, (void)M;
}

#endif
