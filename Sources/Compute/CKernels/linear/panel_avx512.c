#include "linear/panel_work.h"

#if defined(__x86_64__) && defined(__linux__)

#include <immintrin.h>

// Instructions for bytes and for bfloat16 come from intrinsics alone: float32 needs no more than the first four.
#define VECTORS __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx512bf16,fma,prfchw")))

// Fourteen rows by two vectors of outputs are 28 sums; with two vectors of weights and one number of a row they fill 31
// of the 32 registers.

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
        CASE(1)
        CASE(2)
        CASE(3)
        CASE(4)
        CASE(5)
        CASE(6)
        CASE(7)
        CASE(8)
        CASE(9)
        CASE(10)
        CASE(11)
        CASE(12)
        CASE(13)
        CASE(14)
    }
#undef CASE
}
VECTORS static void sum_floats(char *sums, const char *a, const char *b, size_t steps, int begin, ahead *f,
                               size_t rows) {
    sum_rows(sums, a, b, steps, begin, f, rows, WW_F32);
}
VECTORS static void sum_halves(char *sums, const char *a, const char *b, size_t steps, int begin, ahead *f,
                               size_t rows) {
    sum_rows(sums, a, b, steps, begin, f, rows, WW_BF16);
}
VECTORS static void sum_bytes(char *sums, const char *a, const char *b, size_t steps, int begin, ahead *f,
                              size_t rows) {
    sum_rows(sums, a, b, steps, begin, f, rows, WW_U8);
}

#define SUMS_OF(kind) ((kind) == WW_U8 ? sum_bytes : (kind) == WW_BF16 ? sum_halves : sum_floats)

VECTORS INLINE void round_panel(float *to, const float *from) {
    const __m512 low = _mm512_load_ps(from), high = _mm512_load_ps(from + LANES);
    _mm512_store_si512(to, (__m512i)_mm512_cvtne2ps_pbh(high, low));
}

#include "linear/panel_body.h"

void panels_avx512(void *context, size_t first, size_t last, size_t worker) { panels(context, first, last, worker); }

#else

void panels_avx512(void *context, size_t first, size_t last, size_t worker) {
    (void)context, (void)first, (void)last, (void)worker;
}

#endif
