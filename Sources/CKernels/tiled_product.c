#include "tiled_product.h"

#include "curves.h"
#include "parallel.h"
#include "tiles.h"

// A panel is 32 outputs: for each step of K, two tiles of 16 rows of 64 bytes. A row holds 16 outputs, of each of them
// two bfloat16 or four bytes that follow each other in K.
enum { PANEL = 32, STEP = 64, TILE = 1024 };

static size_t bytes_of(ww_kind input) { return input == WW_U8 ? 1 : 2; }

int ww_tiled_fits(ww_kind input, size_t K, size_t N) {
    return (input == WW_U8 || input == WW_BF16) && K * bytes_of(input) % STEP == 0 && N % PANEL == 0 &&
           tiles_available();
}

size_t ww_tiled_size(ww_kind input, size_t K, size_t N) {
    return K * N * bytes_of(input) + (input == WW_U8 ? 2 * N * sizeof(float) : 0);
}

typedef struct pack_work {
    void *packed;
    const float *weight;
    ww_kind input;
    size_t K, N;
} pack_work;

// Where weight (n, k) goes.
INLINE size_t place(size_t n, size_t k, size_t K, size_t size) {
    const size_t group = 4 / size, per_step = STEP / size;
    const size_t step = k / per_step, row = k % per_step / group, part = k % group;
    const size_t tile = (n / PANEL * (K / per_step) + step) * 2 + n % PANEL / 16;
    return tile * TILE + row * STEP + (n % 16 * group + part) * size;
}

static void pack_outputs(void *context, size_t first, size_t last, size_t worker) {
    const pack_work *w = context;
    char *packed = w->packed;
    float *scales = (float *)(packed + w->K * w->N), *offsets = scales + w->N;
    (void)worker;
    for (size_t n = first; n < last; n++) {
        const float *row = w->weight + n * w->K;
        if (w->input == WW_BF16) {
            for (size_t k = 0; k < w->K; k++) {
                uint32_t bits;
                memcpy(&bits, row + k, sizeof bits);
                const uint16_t narrow = (uint16_t)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
                memcpy(packed + place(n, k, w->K, 2), &narrow, 2);
            }
            continue;
        }
        float top = 0;
        for (size_t k = 0; k < w->K; k++) top = __builtin_fabsf(row[k]) > top ? __builtin_fabsf(row[k]) : top;
        scales[n] = top > 0 ? top / 127 : 1;
        const float step = opaque(1 / scales[n]);
        int64_t sum = 0;
        for (size_t k = 0; k < w->K; k++) {
            const float v = row[k] * step;
            const int whole = (int)(v < 0 ? v - 0.5f : v + 0.5f), byte = whole > 127 ? 127 : whole < -127 ? -127 : whole;
            packed[place(n, k, w->K, 1)] = (char)byte;
            sum += byte;
        }
        offsets[n] = scales[n] * (float)sum;
    }
}

void ww_tiled_pack(void *packed, ww_kind input, const float *weight, size_t K, size_t N) {
    pack_work w = {packed, weight, input, K, N};
    ww_parallel(N, pack_outputs, &w);
}

#if defined(__x86_64__) && defined(__linux__)

#include <immintrin.h>

#define TILES __attribute__((target("amx-tile,amx-bf16,amx-int8,avx512f,avx512bw,avx512vl,avx512dq,avx512bf16,fma")))

typedef struct product_work {
    const ww_tiled *layer;
    const ww_numbers *out, *x;
    ww_curve curve;
    int add;
    size_t M;
} product_work;

// What is the same for all blocks, and known where this is inlined.
typedef struct manner {
    int bytes, add;
    ww_kind kind;
    ww_curve curve;
} manner;

// What a block's values are made with, kept apart from what is written meanwhile.
typedef struct means {
    const float *bias, *scale, *offset;
    const ww_row *rows;
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
    float a = 0, b = 0;
    if (how.bytes) a = by.rows[p->m + r].scale, b = a * by.rows[p->m + r].zero;
    for (size_t i = 0; i < PANEL; i += LANES) {
        const size_t n = p->n + i;
        vf v, bias;
        load(&bias, by.bias + n);
        if (how.bytes) {
            vf scale, offset;
            vi whole;
            load(&scale, by.scale + n);
            load(&offset, by.offset + n);
            memcpy(&whole, sums + i * 4, sizeof whole);
            v = __builtin_convertvector(whole, vf) * scale * a + (bias - offset * b);
        } else {
            load(&v, (const float *)sums + i);
            v += bias;
        }
        follow(&v, how.curve);
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

// The sums of two tiles of outputs by one or two of rows, through all of K. Tiles multiply for 64 cycles a step: in their
// shadow, the block before is delivered and what comes next is fetched.
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
// come from farther away once a group. Weights come from far away once: while one group multiplies, the next is fetched,
// up to panel `end`, where the worker's part ends. Nobody has fetched the first group of a part: its first rows do so for
// themselves, a few lines faster than they use them.
TILES INLINE void multiply(const product_work *w, size_t first, size_t last, size_t end, int cold, manner how) {
    enum { NEAR = 768 << 10, HEAD = 8 << 10 };
    const ww_tiled *layer = w->layer;
    const size_t stride = layer->K * (how.bytes ? 1 : 2), steps = stride / STEP, panel = steps * 2 * TILE;
    const size_t blocks = (w->M + PANEL - 1) / PANEL, group = panel < NEAR ? NEAR / panel : 1;
    const size_t even = (panel / 64 + blocks * steps - 1) / (blocks * steps), fast = 2 * TILE / 64 * 3 / 2;
    const char *packed = layer->packed;
    const float *scales = (const float *)(packed + layer->K * layer->N);
    const means by = {layer->bias,    scales, scales + layer->N, w->x->rows, w->out->data,
                      layer->N * (how.kind == WW_BF16 ? 2 : 4)};
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
        multiply(w, first, last, end, cold, (manner){bytes, 1, WW_F32, WW_LINE});
    else if (w->out->kind == WW_F32)
        multiply(w, first, last, end, cold, (manner){bytes, 0, WW_F32, WW_LINE});
    else if (w->curve == WW_LINE)
        multiply(w, first, last, end, cold, (manner){bytes, 0, WW_BF16, WW_LINE});
    else if (w->curve == WW_QUICK_GELU)
        multiply(w, first, last, end, cold, (manner){bytes, 0, WW_BF16, WW_QUICK_GELU});
    else
        multiply(w, first, last, end, cold, (manner){bytes, 0, WW_BF16, WW_GELU});
}

TILES static void panels(void *context, size_t first, size_t last, size_t worker) {
    const product_work *w = context;
    // The worker's own part, cut as the pool cuts it; a piece of another's part may be followed by anything.
    const size_t count = w->layer->N / PANEL, workers = ww_workers();
    const size_t start = count * worker / workers, stop = count * (worker + 1) / workers;
    const int own = start <= first && last <= stop;
    tiles_begin();
    if (w->layer->input == WW_U8)
        choose(w, first, last, own ? stop : last, !own || first == start, 1);
    else
        choose(w, first, last, own ? stop : last, !own || first == start, 0);
    tiles_end();
}

void ww_tiled_run(const ww_tiled *layer, const ww_numbers *out, const ww_numbers *x, ww_curve curve, int add, size_t M) {
    product_work w = {layer, out, x, curve, add, M};
    ww_parallel(layer->N / PANEL, panels, &w);
}

#else

void ww_tiled_run(const ww_tiled *layer, const ww_numbers *out, const ww_numbers *x, ww_curve curve, int add, size_t M) {
    (void)layer, (void)out, (void)x, (void)curve, (void)add, (void)M;
}

#endif
