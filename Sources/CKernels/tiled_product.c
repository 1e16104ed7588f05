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

// Sums of up to 32 rows by 32 outputs to values, and on to where they are wanted. All but `rows`, `m` and `n` is known
// where this is inlined.
TILES INLINE void deliver(const product_work *w, const void *block, size_t m, size_t n, size_t rows, int bytes,
                          ww_kind kind, ww_curve curve, int add) {
    const ww_tiled *layer = w->layer;
    const size_t N = layer->N;
    const float *scales = (const float *)((const char *)layer->packed + layer->K * N), *offsets = scales + N;
    for (size_t half = 0; half < PANEL; half += LANES) {
        vf bias, scale = {0}, offset = {0};
        load(&bias, layer->bias + n + half);
        if (bytes) load(&scale, scales + n + half), load(&offset, offsets + n + half);
        for (size_t r = 0; r < rows; r++) {
            vf v;
            if (bytes) {
                vi sums;
                memcpy(&sums, (const int32_t *)block + r * PANEL + half, sizeof sums);
                const float a = w->x->rows[m + r].scale, b = a * w->x->rows[m + r].zero;
                v = __builtin_convertvector(sums, vf) * scale * a + (bias - offset * b);
            } else {
                load(&v, (const float *)block + r * PANEL + half);
                v += bias;
            }
            follow(&v, curve);
            const size_t at = (m + r) * N + n + half;
            if (kind == WW_BF16) {
                const __m256i narrow = (__m256i)_mm512_cvtneps_pbh((__m512)v);
                memcpy((uint16_t *)w->out->data + at, &narrow, sizeof narrow);
            } else {
                float *o = (float *)w->out->data + at;
                vf old;
                if (add) load(&old, o), v += old;
                store(o, &v);
            }
        }
    }
}

// Panels [first, last) of outputs. Each is read from far away once, while the rows stay near.
TILES INLINE void multiply(const product_work *w, size_t first, size_t last, int bytes, ww_kind kind, ww_curve curve,
                           int add) {
    const ww_tiled *layer = w->layer;
    const size_t stride = layer->K * (bytes ? 1 : 2), steps = stride / STEP, panel = steps * 2 * TILE;
    _Alignas(64) char block[PANEL * PANEL * 4];
    const size_t blocks = (w->M + PANEL - 1) / PANEL, share = (panel / 64 + blocks - 1) / blocks;
    for (size_t p = first; p < last; p++) {
        const char *b = (const char *)layer->packed + p * panel;
        const char *next = b + panel, *end = p + 1 < last ? next + panel : next;
        for (size_t m = 0; m < w->M; m += PANEL) {
            const char *a = (const char *)w->x->data + m * stride;
            const size_t rows = w->M - m < PANEL ? w->M - m : PANEL;
            for (size_t i = 0; i < share && next < end; i++, next += 64) _mm_prefetch(next, _MM_HINT_T1);
            _tile_zero(0), _tile_zero(1);
            if (rows > 16) {
                _tile_zero(2), _tile_zero(3);
                const char *a1 = a + 16 * stride;
                for (size_t k = 0; k < steps; k++) {
                    _tile_loadd(4, a + k * STEP, stride);
                    _tile_loadd(6, b + k * 2 * TILE, STEP);
                    if (bytes) _tile_dpbusd(0, 4, 6); else _tile_dpbf16ps(0, 4, 6);
                    _tile_loadd(7, b + k * 2 * TILE + TILE, STEP);
                    if (bytes) _tile_dpbusd(1, 4, 7); else _tile_dpbf16ps(1, 4, 7);
                    _tile_loadd(5, a1 + k * STEP, stride);
                    if (bytes) _tile_dpbusd(2, 5, 6); else _tile_dpbf16ps(2, 5, 6);
                    if (bytes) _tile_dpbusd(3, 5, 7); else _tile_dpbf16ps(3, 5, 7);
                }
                _tile_stored(2, block + 16 * PANEL * 4, PANEL * 4);
                _tile_stored(3, block + 16 * PANEL * 4 + 64, PANEL * 4);
            } else {
                for (size_t k = 0; k < steps; k++) {
                    _tile_loadd(4, a + k * STEP, stride);
                    _tile_loadd(6, b + k * 2 * TILE, STEP);
                    if (bytes) _tile_dpbusd(0, 4, 6); else _tile_dpbf16ps(0, 4, 6);
                    _tile_loadd(7, b + k * 2 * TILE + TILE, STEP);
                    if (bytes) _tile_dpbusd(1, 4, 7); else _tile_dpbf16ps(1, 4, 7);
                }
            }
            _tile_stored(0, block, PANEL * 4);
            _tile_stored(1, block + 64, PANEL * 4);
            deliver(w, block, m, p * PANEL, rows, bytes, kind, curve, add);
        }
    }
}

#define CASES(bytes)                                                                                       \
    if (w->add) multiply(w, first, last, bytes, WW_F32, WW_LINE, 1);                                       \
    else if (w->out->kind == WW_F32 && w->curve == WW_LINE) multiply(w, first, last, bytes, WW_F32, WW_LINE, 0); \
    else if (w->curve == WW_LINE) multiply(w, first, last, bytes, WW_BF16, WW_LINE, 0);                    \
    else if (w->curve == WW_QUICK_GELU) multiply(w, first, last, bytes, WW_BF16, WW_QUICK_GELU, 0);        \
    else multiply(w, first, last, bytes, WW_BF16, WW_GELU, 0);

TILES static void panels(void *context, size_t first, size_t last, size_t worker) {
    const product_work *w = context;
    (void)worker;
    tiles_begin();
    if (w->layer->input == WW_U8) {
        CASES(1)
    } else {
        CASES(0)
    }
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
