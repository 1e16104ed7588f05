#include "attention/attention_amx.h"

#if defined(__x86_64__) && defined(__linux__)

#include <immintrin.h>
#include <math.h>

#include "quantize/row_numbers.h"
#include "runtime/sizes.h"

// bfloat16 tiles: 16 rows of 64 bytes. C += A · B, where B holds pairs of rows side by side.
// The head width is 64: four tiles of 16 columns, two of 32 bfloat16.
#define TILES __attribute__((target("amx-tile,amx-bf16,avx512f,avx512bw,avx512vl,avx512dq,avx512bf16,fma")))

// q (16 rows, 64), keys (64 / 2, TP, 2), values (TP / 2, 64, 2), p (16, TP), scores (16, TP)
size_t attention_amx_scratch(size_t T, size_t C) {
    const size_t TP = rounded_up(T, 32);
    return C == 64 ? (16 * 64 + 2 * TP * 64 + 16 * TP) * sizeof(uint16_t) + 16 * TP * sizeof(float) + 64 * 64 : 0;
}

// 64 values of a row, scaled, as bfloat16.
TILES static inline void row_of(__m512i out[2], const ww_numbers *in, size_t r, size_t length, size_t at,
                                float factor) {
    __m512 v[4];
    if (in->kind == WW_BF16) {
        const uint16_t *p = (const uint16_t *)in->data + r * length + at;
        if (factor == 1) {
            out[0] = _mm512_loadu_si512(p);
            out[1] = _mm512_loadu_si512(p + 32);
            return;
        }
        for (int i = 0; i < 4; i++)
            v[i] = _mm512_castsi512_ps(
                _mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)(p + 16 * i))), 16));
    } else {
        const int32_t *p = (const int32_t *)in->data + r * length + at;
        const ww_columns *c = in->columns;
        const __m512 a = _mm512_set1_ps(in->rows[r].scale), b = _mm512_set1_ps(in->rows[r].scale * in->rows[r].zero);
        for (int i = 0; i < 4; i++) {
            const __m512 sum = _mm512_mul_ps(
                _mm512_cvtepi32_ps(_mm512_loadu_si512(p + 16 * i)), _mm512_loadu_ps(c->scale + at + 16 * i));
            const __m512 moved =
                _mm512_fnmadd_ps(b, _mm512_loadu_ps(c->offset + at + 16 * i), _mm512_loadu_ps(c->bias + at + 16 * i));
            v[i] = _mm512_fmadd_ps(a, sum, moved);
        }
    }
    const __m512 f = _mm512_set1_ps(factor);
    for (int i = 0; i < 4; i++) v[i] = _mm512_mul_ps(v[i], f);
    out[0] = (__m512i)_mm512_cvtne2ps_pbh(v[1], v[0]);
    out[1] = (__m512i)_mm512_cvtne2ps_pbh(v[3], v[2]);
}

TILES static void pack(uint16_t *keys, uint16_t *values, const ww_numbers *qkv, size_t base, size_t h, size_t length,
                       size_t W, size_t TP) {
    for (size_t t = 0; t < TP; t += 16) {
        vf left[16], right[16];
        for (size_t i = 0; i < 16; i++) {
            __m512i row[2] = {_mm512_setzero_si512(), _mm512_setzero_si512()};
            if (t + i < length) row_of(row, qkv, base + t + i, 3 * W, W + h * 64, 1);
            left[i] = (vf)row[0], right[i] = (vf)row[1];
        }
        transpose(left), transpose(right);
        for (size_t i = 0; i < 16; i++) {
            _mm512_store_si512(keys + (i * TP + t) * 2, (__m512i)left[i]);
            _mm512_store_si512(keys + ((16 + i) * TP + t) * 2, (__m512i)right[i]);
        }
    }
    const __m512i low = _mm512_setr_epi64(0, 1, 8, 9, 2, 3, 10, 11),
                  high = _mm512_setr_epi64(4, 5, 12, 13, 6, 7, 14, 15);
    for (size_t t = 0; t < TP; t += 2) {
        __m512i even[2] = {_mm512_setzero_si512(), _mm512_setzero_si512()}, odd[2] = {even[0], even[0]};
        if (t < length) row_of(even, qkv, base + t, 3 * W, 2 * W + h * 64, 1);
        if (t + 1 < length) row_of(odd, qkv, base + t + 1, 3 * W, 2 * W + h * 64, 1);
        for (int i = 0; i < 2; i++) {
            // Pairs side by side: unpacking works within 128 bits, so quarters are put in order afterwards.
            const __m512i a = _mm512_unpacklo_epi16(even[i], odd[i]), b = _mm512_unpackhi_epi16(even[i], odd[i]);
            _mm512_store_si512(values + (t / 2 * 64 + 32 * (size_t)i) * 2, _mm512_permutex2var_epi64(a, low, b));
            _mm512_store_si512(values + (t / 2 * 64 + 32 * (size_t)i + 16) * 2, _mm512_permutex2var_epi64(a, high, b));
        }
    }
}

// p (16, TP) = softmax of `scores`, each row over the keys it sees, as bfloat16; 0 beyond.
TILES static void weigh(uint16_t *p, float *scores, size_t TP, size_t rows, size_t first, size_t length, int causal) {
    for (size_t t = 0; t < 16; t++) {
        if (t >= rows) {
            memset(p + t * TP, 0, TP * sizeof *p);
            continue;
        }
        const size_t n = causal && first + t + 1 < length ? first + t + 1 : length;
        float *row = scores + t * TP;
        __m512 most = _mm512_set1_ps(-INFINITY);
        for (size_t i = 0; i < n; i += 16) {
            const __mmask16 mask = n - i >= 16 ? 0xFFFF : (__mmask16)((1u << (n - i)) - 1);
            most = _mm512_mask_max_ps(most, mask, most, _mm512_loadu_ps(row + i));
        }
        const float top = _mm512_reduce_max_ps(most);
        __m512 total = _mm512_setzero_ps();
        for (size_t i = 0; i < n; i += 16) {
            const __mmask16 mask = n - i >= 16 ? 0xFFFF : (__mmask16)((1u << (n - i)) - 1);
            vf v = (vf)_mm512_sub_ps(_mm512_loadu_ps(row + i), _mm512_set1_ps(top));
            exponential(&v);
            const __m512 e = _mm512_maskz_mov_ps(mask, (__m512)v);
            _mm512_storeu_ps(row + i, e);
            total = _mm512_add_ps(total, e);
        }
        const __m512 scale = _mm512_set1_ps(1.0f / _mm512_reduce_add_ps(total));
        const size_t written = rounded_up(n, 16);
        for (size_t i = 0; i < TP; i += 32) {
            const __m512 a = i < written ? _mm512_mul_ps(_mm512_loadu_ps(row + i), scale) : _mm512_setzero_ps();
            const __m512 b =
                i + 16 < written ? _mm512_mul_ps(_mm512_loadu_ps(row + i + 16), scale) : _mm512_setzero_ps();
            _mm512_store_si512(p + t * TP + i, (__m512i)_mm512_cvtne2ps_pbh(b, a));
        }
    }
}

TILES void attention_amx_head(float *block, const ww_numbers *qkv, size_t base, size_t first, size_t last, size_t h,
                              size_t length, const ww_attention_shape *s, void *scratch) {
    const size_t W = s->W, TP = rounded_up(length, 32);
    uint16_t *q = scratch, *keys = q + 16 * 64, *values = keys + TP * 64, *p = values + TP * 64;
    float *scores = (float *)(p + 16 * TP);
    pack(keys, values, qkv, base, h, length, W, TP);
    for (size_t t = first; t < last; t += 16) {
        const size_t rows = last - t < 16 ? last - t : 16;
        for (size_t i = 0; i < 16; i++) {
            __m512i row[2] = {_mm512_setzero_si512(), _mm512_setzero_si512()};
            if (i < rows) row_of(row, qkv, base + t + i, 3 * W, h * 64, 0.125f);
            _mm512_store_si512(q + i * 64, row[0]);
            _mm512_store_si512(q + i * 64 + 32, row[1]);
        }
        _tile_loadd(0, q, 128);
        _tile_loadd(1, q + 32, 128);
        for (size_t k = 0; k < TP; k += 16) {
            _tile_zero(2);
            _tile_loadd(4, keys + k * 2, (int)TP * 4);
            _tile_dpbf16ps(2, 0, 4);
            _tile_loadd(5, keys + (16 * TP + k) * 2, (int)TP * 4);
            _tile_dpbf16ps(2, 1, 5);
            _tile_stored(2, scores + k, (int)TP * 4);
        }
        weigh(p, scores, TP, rows, t, length, s->causal);
        _tile_zero(0);
        _tile_zero(1);
        _tile_zero(2);
        _tile_zero(3);
        for (size_t k = 0; k < TP; k += 32) {
            const uint16_t *v = values + k / 2 * 128;
            _tile_loadd(4, p + k, (int)TP * 2);
            _tile_loadd(5, v, 256);
            _tile_dpbf16ps(0, 4, 5);
            _tile_loadd(6, v + 32, 256);
            _tile_dpbf16ps(1, 4, 6);
            _tile_loadd(7, v + 64, 256);
            _tile_dpbf16ps(2, 4, 7);
            _tile_loadd(5, v + 96, 256);
            _tile_dpbf16ps(3, 4, 5);
        }
        float *out = block + (t - first) * W + h * 64;
        _tile_stored(0, out, (int)W * 4);
        _tile_stored(1, out + 16, (int)W * 4);
        _tile_stored(2, out + 32, (int)W * 4);
        _tile_stored(3, out + 48, (int)W * 4);
    }
}

#else

size_t attention_amx_scratch(size_t T, size_t C) { return (void)T, (void)C, (size_t)0; }
void attention_amx_head(float *block, const ww_numbers *qkv, size_t base, size_t first, size_t last, size_t h,
                        size_t length, const ww_attention_shape *shape, void *scratch) {
    (void)block, (void)qkv, (void)base, (void)first, (void)last, (void)h, (void)length, (void)shape, (void)scratch;
}

#endif
