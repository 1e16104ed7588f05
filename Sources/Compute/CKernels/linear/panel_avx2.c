#include "linear/panel_work.h"

#if defined(__x86_64__) && defined(__linux__)

#include <immintrin.h>

#include "runtime/bfloat16.h"

#define VECTORS __attribute__((target("avx2,fma")))

// The sixteen registers hold twelve sums of float32: six rows by one tile of sixteen outputs, or three rows by both
// tiles of a panel. Of bfloat16, whose numbers are made float32 first, they hold eight: four rows by a tile, or two by
// both.
enum { TALL = 6, TALL_HALVES = 4, WIDE = 3, WIDE_HALVES = 2, TILE_SUMS = TILE / STEP * 4 };

// The first and the second of two bfloat16 that share a word, as float32.
VECTORS INLINE __m256 first_of(__m256i words) { return _mm256_castsi256_ps(_mm256_slli_epi32(words, 16)); }
VECTORS INLINE __m256 second_of(__m256i words) {
    return _mm256_castsi256_ps(_mm256_and_si256(words, _mm256_set1_epi32((int)0xFFFF0000)));
}

// Adds eight outputs' products with a row's number, or two numbers, to their sums.
VECTORS INLINE void add_floats(__m256 *c, const char *row, const char *weights) {
    *c = _mm256_fmadd_ps(_mm256_broadcast_ss((const float *)row), _mm256_load_ps((const float *)weights), *c);
}
VECTORS INLINE void add_halves(__m256 *c, const char *row, const char *weights) {
    int32_t word;
    memcpy(&word, row, sizeof word);
    const __m256i v = _mm256_set1_epi32(word), w = _mm256_load_si256((const __m256i *)weights);
    *c = _mm256_fmadd_ps(first_of(v), first_of(w), *c);
    *c = _mm256_fmadd_ps(second_of(v), second_of(w), *c);
}

// Adds `steps` steps of K to the sums of `rows` rows and `tiles` tiles of a panel, or begins them: rows of a block of
// `height` rows, the first of which is at `a`.
VECTORS INLINE void sum_part(char *sums, const char *a, const char *b, size_t steps, int begin, size_t height,
                             const int rows, const int tiles, const ww_kind input) {
    __m256 c[TALL][4];
#pragma clang loop unroll(full)
    for (int i = 0; i < rows; i++)
#pragma clang loop unroll(full)
        for (int j = 0; j < 2 * tiles; j++)
            c[i][j] = begin ? _mm256_setzero_ps() : _mm256_load_ps((const float *)(sums + i * ROW_SUMS + j * 32));
    for (size_t s = 0; s < steps; s++) {
#pragma clang loop unroll(disable)
        for (size_t r = 0; r < 16; r++) {
            const char *row = a + r * height * 4;
#pragma clang loop unroll(full)
            for (int j = 0; j < 2 * tiles; j++) {
                const char *weights = b + r * STEP + j / 2 * TILE + j % 2 * 32;
#pragma clang loop unroll(full)
                for (int i = 0; i < rows; i++)
                    if (input == WW_BF16)
                        add_halves(&c[i][j], row + 4 * i, weights);
                    else
                        add_floats(&c[i][j], row + 4 * i, weights);
            }
        }
        a += STEP * height;
        b += 2 * TILE;
    }
#pragma clang loop unroll(full)
    for (int i = 0; i < rows; i++)
#pragma clang loop unroll(full)
        for (int j = 0; j < 2 * tiles; j++) _mm256_store_ps((float *)(sums + i * ROW_SUMS + j * 32), c[i][j]);
}

// The same for a number of rows that is only known now: all rows of a block, in parts of nearly equal size.
VECTORS INLINE void sum_block(char *sums, const char *a, const char *b, size_t steps, int begin, ahead *f,
                              size_t height, const size_t tall, const size_t wide, const ww_kind input) {
#define CASE(n, tiles) \
    case n: sum_part(at, rows, weights, steps, begin, height, n, tiles, input); break;
    for (size_t s = 0; s < steps * f->lines && f->weights < f->end; s++, f->weights += 64)
        _mm_prefetch(f->weights, _MM_HINT_T1);
    if (height <= wide) {
        char *at = sums;
        const char *rows = a, *weights = b;
        switch (height) {
            CASE(1, 2)
            CASE(2, 2)
            CASE(3, 2)
        }
        return;
    }
    const size_t parts = (height + tall - 1) / tall;
    for (size_t tile = 0; tile < 2; tile++)
        for (size_t part = 0; part < parts; part++) {
            const size_t from = height * part / parts;
            char *at = sums + from * ROW_SUMS + tile * TILE_SUMS;
            const char *rows = a + from * 4, *weights = b + tile * TILE;
            switch (height * (part + 1) / parts - from) {
                CASE(1, 1)
                CASE(2, 1)
                CASE(3, 1)
                CASE(4, 1)
                CASE(5, 1)
                CASE(6, 1)
            }
        }
#undef CASE
}
VECTORS static void sum_floats(char *sums, const char *a, const char *b, size_t steps, int begin, ahead *f,
                               size_t rows) {
    sum_block(sums, a, b, steps, begin, f, rows, TALL, WIDE, WW_F32);
}
VECTORS static void sum_halves(char *sums, const char *a, const char *b, size_t steps, int begin, ahead *f,
                               size_t rows) {
    sum_block(sums, a, b, steps, begin, f, rows, TALL_HALVES, WIDE_HALVES, WW_BF16);
}

#define SUMS_OF(kind) ((kind) == WW_BF16 ? sum_halves : sum_floats)

VECTORS INLINE void round_panel(float *to, const float *from) {
    for (size_t i = 0; i < PANEL; i += LANES) {
        vf v;
        load(&v, from + i);
        store_bf16((uint16_t *)to + i, &v);
    }
}

#include "linear/panel_body.h"

void panels_avx2(void *context, size_t first, size_t last, size_t worker) { panels(context, first, last, worker); }

#else

void panels_avx2(void *context, size_t first, size_t last, size_t worker) {
    (void)context, (void)first, (void)last, (void)worker;
}

#endif
