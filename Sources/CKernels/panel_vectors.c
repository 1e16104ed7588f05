#include "panels.h"
#include "parallel.h"
#include "row_blocks.h"

#if defined(__x86_64__) && defined(__linux__)

#include <immintrin.h>
#include <pthread.h>
#include <stdlib.h>

// Instructions for bytes and for bfloat16 come from intrinsics alone: float32 needs no more than the first four.
#define VECTORS __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx512bf16,fma,prfchw")))

// Fourteen rows by two vectors of outputs are 28 sums; with two vectors of weights and one number of a row they fill 31 of
// the 32 registers. They go through K in cuts, so that a cut of a panel (24 KB) and of fourteen rows (11 KB) stay in the
// first cache: each cut of a panel meets all rows before the next is read. Between cuts, the sums of some panels wait in
// the second cache.
enum { CUT = 12, CHUNK = 768, SUMS = 256 << 10, ROW_SUMS = PANEL * 4 };

typedef struct product_work {
    const ww_panels *layer;
    const ww_numbers *out, *x;
    char *rows;  // x, in blocks
    ww_curve curve;
    int add;
    size_t M;
} product_work;

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

// MARK: Sums

// Memory that is wanted soon, and not near yet: what is fetched in the shadow of the products.
typedef struct ahead {
    const char *weights, *end;  // of the next cut of weights: a few lines a step
    size_t lines;
    int cold;          // nobody has read this cut of weights yet
    const char *rows;  // the next cut of these rows, if it is time to fetch it
    const float *out;  // where the block's values go, if this cut is the last
    size_t stride;     // of `out`, from 32 values to the next
} ahead;

// Adds `steps` steps of K to the sums (rows, 32) of a block of rows and a panel, or begins them.
VECTORS INLINE void sum(char *sums, const char *a, const char *b, size_t steps, int begin, ahead *f, const int rows,
                        const ww_kind input) {
    __m512i c[BLOCK_ROWS][2];
#pragma clang loop unroll(full)
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < 2; j++)
            c[i][j] = begin ? _mm512_setzero_si512() : _mm512_load_si512(sums + i * ROW_SUMS + j * 64);
    for (size_t s = 0; s < steps; s++) {
        for (size_t l = 0; l < f->lines && f->weights < f->end; l++, f->weights += 64)
            _mm_prefetch(f->weights, _MM_HINT_T1);
        if (f->rows)
            for (int i = 0; i < rows; i++) _mm_prefetch(f->rows + (s * (size_t)rows + (size_t)i) * 64, _MM_HINT_T1);
        if (f->out)
            for (size_t i = 2 * s; i < 2 * s + 2 && i < (size_t)rows; i++) {
                __builtin_prefetch(f->out + i * f->stride, 1, 3);
                __builtin_prefetch(f->out + i * f->stride + LANES, 1, 3);
            }
#pragma clang loop unroll(disable)
        for (int r = 0; r < 16; r++) {
            const char *p = b + r * 64;
            if (f->cold) {
                _mm_prefetch(p + TILE, _MM_HINT_T0);
                _mm_prefetch(p + 2 * TILE, _MM_HINT_T0);
            }
            const __m512i left = _mm512_load_si512(p), right = _mm512_load_si512(p + TILE);
#pragma clang loop unroll(full)
            for (int i = 0; i < rows; i++) {
                int32_t word;
                memcpy(&word, a + (r * rows + i) * 4, sizeof word);
                const __m512i v = _mm512_set1_epi32(word);
                if (input == WW_U8) {
                    c[i][0] = _mm512_dpbusd_epi32(c[i][0], v, left);
                    c[i][1] = _mm512_dpbusd_epi32(c[i][1], v, right);
                } else if (input == WW_BF16) {
                    c[i][0] = (__m512i)_mm512_dpbf16_ps((__m512)c[i][0], (__m512bh)v, (__m512bh)left);
                    c[i][1] = (__m512i)_mm512_dpbf16_ps((__m512)c[i][1], (__m512bh)v, (__m512bh)right);
                } else {
                    c[i][0] = (__m512i)_mm512_fmadd_ps((__m512)v, (__m512)left, (__m512)c[i][0]);
                    c[i][1] = (__m512i)_mm512_fmadd_ps((__m512)v, (__m512)right, (__m512)c[i][1]);
                }
            }
        }
        a += STEP * rows;
        b += 2 * TILE;
    }
#pragma clang loop unroll(full)
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < 2; j++) _mm512_store_si512(sums + i * ROW_SUMS + j * 64, c[i][j]);
}

// The same for a number of rows that is only known now.
VECTORS INLINE void sum_rows(char *sums, const char *a, const char *b, size_t steps, int begin, ahead *f, size_t rows,
                             ww_kind input) {
#define CASE(n) \
    case n: sum(sums, a, b, steps, begin, f, n, input); break;
    switch (rows) {
        CASE(1) CASE(2) CASE(3) CASE(4) CASE(5) CASE(6) CASE(7)
        CASE(8) CASE(9) CASE(10) CASE(11) CASE(12) CASE(13) CASE(14)
    }
#undef CASE
}
VECTORS static void sum_floats(char *sums, const char *a, const char *b, size_t steps, int begin, ahead *f, size_t rows) {
    sum_rows(sums, a, b, steps, begin, f, rows, WW_F32);
}
VECTORS static void sum_halves(char *sums, const char *a, const char *b, size_t steps, int begin, ahead *f, size_t rows) {
    sum_rows(sums, a, b, steps, begin, f, rows, WW_BF16);
}
VECTORS static void sum_bytes(char *sums, const char *a, const char *b, size_t steps, int begin, ahead *f, size_t rows) {
    sum_rows(sums, a, b, steps, begin, f, rows, WW_U8);
}

// MARK: Values

// out (rows, stride): of the rows from `m` on, and of the panel whose first output is `n`, from their sums.
VECTORS INLINE void deliver(float *out, size_t stride, const panel_means *by, const char *sums, size_t m, size_t rows,
                            size_t n, int bytes, ww_curve curve, int add) {
    for (size_t r = 0; r < rows; r++)
        for (size_t i = 0; i < PANEL; i += LANES) {
            float *at = out + r * stride + i;
            vf v, old;
            panel_values(&v, by, m + r, n + i, sums + r * ROW_SUMS + i * 4, bytes, curve);
            if (add) load(&old, at), v += old;
            store(at, &v);
        }
}

VECTORS INLINE void deliver_kind(const product_work *w, float *out, size_t stride, const panel_means *by,
                                 const char *sums, size_t m, size_t rows, size_t n, int bytes) {
    if (w->add)
        deliver(out, stride, by, sums, m, rows, n, bytes, WW_LINE, 1);
    else if (w->curve == WW_LINE)
        deliver(out, stride, by, sums, m, rows, n, bytes, WW_LINE, 0);
    else if (w->curve == WW_QUICK_GELU)
        deliver(out, stride, by, sums, m, rows, n, bytes, WW_QUICK_GELU, 0);
    else
        deliver(out, stride, by, sums, m, rows, n, bytes, WW_GELU, 0);
}

// Words of 32 bits that a row's values of a panel take.
INLINE size_t panel_words(const ww_numbers *out) { return out->kind == WW_BF16 ? PANEL / 2 : PANEL; }

// Of a block of rows: where they lie one after the other, or as a part of the next product's block.
VECTORS static void deliver_block(const product_work *w, const panel_means *by, const char *sums, size_t m, size_t rows,
                                  size_t n) {
    _Alignas(64) float values[BLOCK_ROWS * PANEL];
    const size_t N = w->layer->N;
    const int direct = !w->out->blocked && w->out->kind == WW_F32;
    float *out = direct ? (float *)w->out->data + m * N + n : values;
    if (w->layer->input == WW_U8)
        deliver_kind(w, out, direct ? N : PANEL, by, sums, m, rows, n, 1);
    else
        deliver_kind(w, out, direct ? N : PANEL, by, sums, m, rows, n, 0);
    if (direct) return;
    const size_t width = panel_words(w->out);
    if (w->out->kind == WW_BF16)  // each row's to a place that has been read
        for (size_t r = 0; r < rows; r++) {
            const __m512 low = _mm512_load_ps(values + r * PANEL), high = _mm512_load_ps(values + r * PANEL + LANES);
            _mm512_store_si512(values + r * width, (__m512i)_mm512_cvtne2ps_pbh(high, low));
        }
    float *data = w->out->data;
    const size_t words = N / PANEL * width, first = n / PANEL * width;
    if (w->out->blocked)
        put_in_block(data, w->M, m, rows, words, first, width, values);
    else
        for (size_t r = 0; r < rows; r++) memcpy(data + (m + r) * words + first, values + r * width, width * sizeof(float));
}

// MARK: The product

// Panels [first, last) of outputs for blocks [from, to) of rows. Weights are fetched while those before them multiply, up
// to panel `end`.
VECTORS static void multiply(const product_work *w, size_t first, size_t last, size_t end, size_t from, size_t to) {
    const ww_panels *layer = w->layer;
    const panel_means by = panel_means_of(layer, w->x);
    const size_t stride = layer->K * panel_bytes_of(layer->input), steps = stride / STEP, size = steps * 2 * TILE;
    const size_t cuts = (steps + CUT - 1) / CUT;
    const size_t start = block_start(w->M, from), rows = block_start(w->M, to) - start, group = SUMS / (rows * ROW_SUMS);
    const char *packed = layer->packed;
    const float *out = w->out->data;
    const size_t width = panel_words(w->out), words = layer->N / PANEL * width;
    _Alignas(64) char sums[SUMS];
    for (size_t p = first; p < last; p += group) {
        const size_t until = p + group < last ? p + group : last;
        for (size_t c = 0; c < cuts; c++) {
            const size_t step = steps * c / cuts, count = steps * (c + 1) / cuts - step;
            for (size_t q = p; q < until; q++) {
                // The same cut of the next panel; the next cut of the group's first; the first of the next group's.
                const char *next = q + 1 < until  ? packed + (q + 1) * size + step * 2 * TILE
                                   : c + 1 < cuts ? packed + p * size + (step + count) * 2 * TILE
                                                  : packed + until * size;
                ahead f = {.weights = next, .end = next + count * 2 * TILE, .stride = w->out->blocked ? width : words};
                if (f.end > packed + end * size) f.end = packed + end * size;
                f.lines = (2 * TILE / 64 + to - from - 1) / (to - from);
                for (size_t block = from, m = start, height; block < to; block++, m += height) {
                    height = block_start(w->M, block + 1) - m;
                    const char *a = w->rows + m * stride + step * STEP * height;
                    char *at = sums + ((q - p) * rows + m - start) * ROW_SUMS;
                    f.cold = block == from;
                    f.rows = q + 1 == until && c + 1 < cuts ? a + count * STEP * height : NULL;
                    f.out = c + 1 < cuts ? NULL : out + m * words + q * width * (w->out->blocked ? height : 1);
                    (layer->input == WW_U8 ? sum_bytes : layer->input == WW_BF16 ? sum_halves : sum_floats)(
                        at, a, packed + q * size + step * 2 * TILE, count, c == 0, &f, height);
                    if (f.out) deliver_block(w, &by, at, m, height, q * PANEL);
                }
            }
        }
    }
}

VECTORS static void panels(void *context, size_t first, size_t last, size_t worker) {
    const product_work *w = context;
    // The worker's own part, cut as the pool cuts it; a piece of another's part may be followed by anything.
    const size_t stop = w->layer->N / PANEL * (worker + 1) / ww_workers(), all = blocks_of(w->M);
    const size_t chunks = (w->M + CHUNK - 1) / CHUNK;
    for (size_t i = 0; i < chunks; i++)
        multiply(w, first, last, last <= stop ? stop : last, all * i / chunks, all * (i + 1) / chunks);
}

// MARK: Memory of rows packed here: as many buffers as there have been callers at one time, each as large as its largest call.

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

int panel_run_vectors(const ww_panels *layer, const ww_numbers *out, const ww_numbers *x, ww_curve curve, int add,
                      size_t M) {
    // Fewer bytes are packed before another core is awake.
    enum { SMALL = 64 << 10 };
    product_work w = {layer, out, x, x->data, curve, add, M};
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
    ww_parallel(layer->N / PANEL, panels, &w);
    if (own.data) give_back(own);
    return 0;
}

#else

int panel_run_vectors(const ww_panels *layer, const ww_numbers *out, const ww_numbers *x, ww_curve curve, int add,
                      size_t M) {
    (void)layer, (void)out, (void)x, (void)curve, (void)add, (void)M;
    return -1;
}

#endif
