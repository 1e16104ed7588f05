#include "linear/row_blocks.h"

#if defined(__x86_64__) && defined(__linux__)

#include <immintrin.h>

// Where the words go: those of row `r` and the rows after it, from word `first` on.
INLINE float *place_in_block(float *blocks, size_t R, size_t r, size_t words, size_t first, size_t *height) {
    const size_t block = block_of(R, r), start = block_start(R, block);
    *height = block_start(R, block + 1) - start;
    return blocks + start * words + first * *height + (r - start);
}

__attribute__((target("avx512f,avx512bw,avx512vl,avx512dq"))) static void put_avx512(float *out, size_t height,
                                                                                     size_t count, size_t n,
                                                                                     const float *rows) {
    const __mmask16 used = (__mmask16)((1u << count) - 1);
    for (size_t k = 0; k < n; k += LANES) {
        vf m[LANES];
#pragma clang loop unroll(full)
        for (size_t i = 0; i < LANES; i++)
            if (i < count)
                load(&m[i], rows + i * n + k);
            else
                m[i] = (vf){0};
        transpose(m);
#pragma clang loop unroll(full)
        for (size_t i = 0; i < LANES; i++) _mm512_mask_storeu_ps(out + (k + i) * height, used, (__m512)m[i]);
    }
}

// Eight vectors of eight, transposed.
__attribute__((target("avx2"), always_inline)) static inline void transpose_eight(__m256 m[8]) {
    __m256 a[8], b[8];
#pragma clang loop unroll(full)
    for (int i = 0; i < 4; i++) {
        a[2 * i] = _mm256_unpacklo_ps(m[2 * i], m[2 * i + 1]);
        a[2 * i + 1] = _mm256_unpackhi_ps(m[2 * i], m[2 * i + 1]);
    }
#pragma clang loop unroll(full)
    for (int i = 0; i < 8; i += 4)
        for (int j = 0; j < 2; j++) {
            b[i + 2 * j] = _mm256_shuffle_ps(a[i + j], a[i + j + 2], 0x44);
            b[i + 2 * j + 1] = _mm256_shuffle_ps(a[i + j], a[i + j + 2], 0xEE);
        }
#pragma clang loop unroll(full)
    for (int i = 0; i < 4; i++) {
        m[i] = _mm256_permute2f128_ps(b[i], b[i + 4], 0x20);
        m[i + 4] = _mm256_permute2f128_ps(b[i], b[i + 4], 0x31);
    }
}

__attribute__((target("avx2"))) static void put_avx2(float *out, size_t height, size_t count, size_t n,
                                                     const float *rows) {
    for (size_t r = 0; r < count; r += 8) {
        const size_t some = count - r < 8 ? count - r : 8;
        const __m256i lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
        const __m256i used = _mm256_cmpgt_epi32(_mm256_set1_epi32((int)some), lanes);
        for (size_t k = 0; k < n; k += 8) {
            __m256 m[8];
#pragma clang loop unroll(full)
            for (size_t i = 0; i < 8; i++)
                m[i] = i < some ? _mm256_loadu_ps(rows + (r + i) * n + k) : _mm256_setzero_ps();
            transpose_eight(m);
#pragma clang loop unroll(full)
            for (size_t i = 0; i < 8; i++) _mm256_maskstore_ps(out + (k + i) * height + r, used, m[i]);
        }
    }
}

void put_in_block(float *blocks, size_t R, size_t r, size_t count, size_t words, size_t first, size_t n,
                  const float *rows) {
    size_t height;
    float *out = place_in_block(blocks, R, r, words, first, &height);
    if (__builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
        put_avx512(out, height, count, n, rows);
    else
        put_avx2(out, height, count, n, rows);
}

#else

void put_in_block(float *blocks, size_t R, size_t r, size_t count, size_t words, size_t first, size_t n,
                  const float *rows) {
    const size_t block = block_of(R, r), start = block_start(R, block), height = block_start(R, block + 1) - start;
    float *out = blocks + start * words + first * height + (r - start);
    for (size_t k = 0; k < n; k++)
        for (size_t i = 0; i < count; i++) out[k * height + i] = rows[i * n + k];
}

#endif
