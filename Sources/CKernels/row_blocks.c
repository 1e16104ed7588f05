#include "row_blocks.h"

#if defined(__x86_64__) && defined(__linux__)

#include <immintrin.h>

// Only vectors of AVX-512 multiply rows in blocks.
__attribute__((target("avx512f,avx512bw,avx512vl,avx512dq"))) void put_in_block(
    float *blocks, size_t R, size_t r, size_t count, size_t words, size_t first, size_t n, const float *rows) {
    const size_t block = block_of(R, r), start = block_start(R, block), height = block_start(R, block + 1) - start;
    const __mmask16 used = (__mmask16)((1u << count) - 1);
    float *out = blocks + start * words + first * height + (r - start);
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

#else

void put_in_block(float *blocks, size_t R, size_t r, size_t count, size_t words, size_t first, size_t n,
                  const float *rows) {
    const size_t block = block_of(R, r), start = block_start(R, block), height = block_start(R, block + 1) - start;
    float *out = blocks + start * words + first * height + (r - start);
    for (size_t k = 0; k < n; k++)
        for (size_t i = 0; i < count; i++) out[k * height + i] = rows[i * n + k];
}

#endif
