// Products of the rows of a history's high planes and texts.
#include <string.h>

#include "history_rows.h"
#include "runtime/inline.h"
#include "score_index.h"
#include "search/history_sum.h"

// Rows become unsigned by 128 more: that is what instructions multiply, and what the texts' offsets take away again.
static void dots_portable(float *out, const int8_t *high, size_t count, size_t P, const float *scales,
                          const ww_history_texts *texts) {
    for (size_t r = 0; r < count; r++) {
        for (size_t b = 0; b < texts->count; b++) {
            int32_t sum = -texts->offsets[b];
            for (size_t i = 0; i < P; i++) sum += (high[r * P + i] + 128) * texts->bytes[b * P + i];
            out[(b / 8 * WW_HISTORY_DOTS + r) * 8 + b % 8] = (float)sum * (scales[r] * texts->steps[b]);
        }
    }
}

#if defined(__x86_64__) && defined(__linux__)

#include <immintrin.h>

#define AVX2 __attribute__((target("avx2,fma")))
#define VNNI __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma")))

// The sums of four vectors' numbers.
AVX2 INLINE __m128i four_sums(const __m256i *v) {
    const __m256i all = _mm256_hadd_epi32(_mm256_hadd_epi32(v[0], v[1]), _mm256_hadd_epi32(v[2], v[3]));
    return _mm_add_epi32(_mm256_castsi256_si128(all), _mm256_extracti128_si256(all, 1));
}

// A row's products with four texts.
AVX2 INLINE void put_texts(float *out, const __m256i *sums, float scale, const ww_history_texts *texts, size_t b) {
    const __m128i sum = _mm_sub_epi32(four_sums(sums), _mm_loadu_si128((const __m128i *)(texts->offsets + b)));
    const __m128 steps = _mm_mul_ps(_mm_loadu_ps(texts->steps + b), _mm_set1_ps(scale));
    _mm_storeu_ps(out, _mm_mul_ps(_mm_cvtepi32_ps(sum), steps));
}

// Four rows' products with a text.
AVX2 INLINE void put_rows(float *out, const __m256i *sums, const float *scales, const ww_history_texts *texts,
                          size_t b) {
    float found[4];
    const __m128i sum = _mm_sub_epi32(four_sums(sums), _mm_set1_epi32(texts->offsets[b]));
    const __m128 steps = _mm_mul_ps(_mm_loadu_ps(scales), _mm_set1_ps(texts->steps[b]));
    _mm_storeu_ps(found, _mm_mul_ps(_mm_cvtepi32_ps(sum), steps));
    for (size_t r = 0; r < 4; r++) out[r * 8] = found[r];
}

// Rows by texts. Products of two bytes are summed by pairs into words: 2 * 255 * 63 fits.
AVX2 INLINE void tile_avx2(__m256i sums[4][4], const int8_t *high, size_t rows, size_t P, const int8_t *texts,
                           size_t many) {
    const __m256i more = _mm256_set1_epi8(-128), ones = _mm256_set1_epi16(1);
    for (size_t r = 0; r < rows; r++)
        for (size_t b = 0; b < many; b++) sums[r][b] = _mm256_setzero_si256();
    for (size_t i = 0; i < P; i += 32) {
        __m256i row[4];
        for (size_t r = 0; r < rows; r++)
            row[r] = _mm256_xor_si256(_mm256_loadu_si256((const __m256i *)(high + r * P + i)), more);
        for (size_t b = 0; b < many; b++) {
            const __m256i text = _mm256_loadu_si256((const __m256i *)(texts + b * P + i));
            for (size_t r = 0; r < rows; r++)
                sums[r][b] = _mm256_add_epi32(sums[r][b], _mm256_madd_epi16(ones, _mm256_maddubs_epi16(row[r], text)));
        }
    }
}

// Four rows by one text, and what ww_history_sum makes of their bytes, in one pass: its sums `a` and `b` of vectors.
AVX2 INLINE void tile_checked(__m256i sums[4], __m256i *a, __m256i *b, const int8_t *high, size_t P,
                              const int8_t *text) {
    const __m256i more = _mm256_set1_epi8(-128), ones = _mm256_set1_epi16(1), steps = _mm256_set1_epi32((int)(P / 32));
    __m256i first[4], second[4];
    for (size_t r = 0; r < 4; r++) sums[r] = first[r] = second[r] = _mm256_setzero_si256();
    // Row by row, as they lie: what reads ahead of a program, from memory, follows that.
    for (size_t r = 0; r < 4; r++) {
        for (size_t i = 0; i < P; i += 32) {
            const __m256i q = _mm256_loadu_si256((const __m256i *)(text + i));
            const __m256i row = _mm256_loadu_si256((const __m256i *)(high + r * P + i));
            first[r] = _mm256_add_epi32(first[r], row);
            second[r] = _mm256_add_epi32(second[r], first[r]);
            sums[r] = _mm256_add_epi32(
                sums[r], _mm256_madd_epi16(ones, _mm256_maddubs_epi16(_mm256_xor_si256(row, more), q)));
        }
    }
    // A row's sums begin at zero; had they begun at those before it, each of its steps would have added `a`.
    for (size_t r = 0; r < 4; r++) {
        *b = _mm256_add_epi32(*b, _mm256_add_epi32(second[r], _mm256_mullo_epi32(steps, *a)));
        *a = _mm256_add_epi32(*a, first[r]);
    }
}

AVX2 static uint64_t dots_of_one(float *out, const int8_t *high, size_t count, size_t P, const float *scales,
                                 const ww_history_texts *texts) {
    __m256i sums[4], a = _mm256_setzero_si256(), b = a;
    size_t r = 0;
    for (; r + 4 <= count; r += 4) {
        tile_checked(sums, &a, &b, high + r * P, P, texts->bytes);
        put_rows(out + r * 8, sums, scales + r, texts, 0);
    }
    if (r < count) dots_portable(out + r * 8, high + r * P, count - r, P, scales + r, texts);
    checksum sum;
    memcpy(&sum.a, &a, sizeof a);
    memcpy(&sum.b, &b, sizeof b);
    checksum_add(&sum, high + r * P, (count - r) * P);
    return checksum_end(&sum, count * P);
}

AVX2 static void dots_avx2(float *out, const int8_t *high, size_t count, size_t P, const float *scales,
                           const ww_history_texts *texts) {
    __m256i sums[4][4];
    for (size_t b = 0; b < texts->count; b += 4) {
        const int8_t *text = texts->bytes + b * P;
        float *to = out + b / 8 * WW_HISTORY_DOTS * 8 + b % 8;
        size_t r = 0;
        for (; r + 2 <= count; r += 2) {
            tile_avx2(sums, high + r * P, 2, P, text, 4);
            put_texts(to + r * 8, sums[0], scales[r], texts, b);
            put_texts(to + (r + 1) * 8, sums[1], scales[r + 1], texts, b);
        }
        if (r < count) {
            tile_avx2(sums, high + r * P, 1, P, text, 4);
            put_texts(to + r * 8, sums[0], scales[r], texts, b);
        }
    }
}

VNNI INLINE void tile_vnni(__m256i sums[4][4], const int8_t *high, size_t rows, size_t P, const int8_t *texts,
                           size_t many) {
    const __m512i more = _mm512_set1_epi8(-128);
    __m512i wide[4][4];
    for (size_t r = 0; r < rows; r++)
        for (size_t b = 0; b < many; b++) wide[r][b] = _mm512_setzero_si512();
    for (size_t i = 0; i < P; i += 64) {
        __m512i row[4];
        for (size_t r = 0; r < rows; r++) row[r] = _mm512_xor_si512(_mm512_loadu_si512(high + r * P + i), more);
        for (size_t b = 0; b < many; b++) {
            const __m512i text = _mm512_loadu_si512(texts + b * P + i);
            for (size_t r = 0; r < rows; r++) wide[r][b] = _mm512_dpbusd_epi32(wide[r][b], row[r], text);
        }
    }
    for (size_t r = 0; r < rows; r++)
        for (size_t b = 0; b < many; b++)
            sums[r][b] = _mm256_add_epi32(_mm512_castsi512_si256(wide[r][b]), _mm512_extracti64x4_epi64(wide[r][b], 1));
}

// As tile_checked, 64 bytes at a time.
VNNI INLINE void wide_checked(__m512i sums[4], __m512i *a, __m512i *b, const int8_t *high, size_t P,
                              const int8_t *text) {
    const __m512i more = _mm512_set1_epi8(-128), steps = _mm512_set1_epi32((int)(P / 64));
    __m512i first[4], second[4];
    for (size_t r = 0; r < 4; r++) sums[r] = first[r] = second[r] = _mm512_setzero_si512();
    for (size_t r = 0; r < 4; r++) {
        for (size_t i = 0; i < P; i += 64) {
            const __m512i row = _mm512_loadu_si512(high + r * P + i);
            first[r] = _mm512_add_epi32(first[r], row);
            second[r] = _mm512_add_epi32(second[r], first[r]);
            sums[r] = _mm512_dpbusd_epi32(sums[r], _mm512_xor_si512(row, more), _mm512_loadu_si512(text + i));
        }
    }
    for (size_t r = 0; r < 4; r++) {
        *b = _mm512_add_epi32(*b, _mm512_add_epi32(second[r], _mm512_mullo_epi32(steps, *a)));
        *a = _mm512_add_epi32(*a, first[r]);
    }
}

VNNI INLINE __m256i low_half(__m512i v) { return _mm512_castsi512_si256(v); }
VNNI INLINE __m256i high_half(__m512i v) { return _mm512_extracti64x4_epi64(v, 1); }
VNNI INLINE __m256i both_halves(__m512i v) { return _mm256_add_epi32(low_half(v), high_half(v)); }

VNNI static uint64_t vnni_of_one(float *out, const int8_t *high, size_t count, size_t P, const float *scales,
                                 const ww_history_texts *texts) {
    __m512i sums[4], a = _mm512_setzero_si512(), b = a;
    __m256i halves[4];
    size_t r = 0;
    for (; r + 4 <= count; r += 4) {
        wide_checked(sums, &a, &b, high + r * P, P, texts->bytes);
        for (int k = 0; k < 4; k++) halves[k] = both_halves(sums[k]);
        put_rows(out + r * 8, halves, scales + r, texts, 0);
    }
    if (r < count) dots_portable(out + r * 8, high + r * P, count - r, P, scales + r, texts);
    // By half vectors each step of `b` would have been two, and the second half would have missed the first.
    const __m256i twice = both_halves(_mm512_slli_epi32(b, 1));
    const __m256i firsts = both_halves(a), seconds = _mm256_sub_epi32(twice, high_half(a));
    checksum sum;
    memcpy(&sum.a, &firsts, sizeof firsts);
    memcpy(&sum.b, &seconds, sizeof seconds);
    checksum_add(&sum, high + r * P, (count - r) * P);
    return checksum_end(&sum, count * P);
}

VNNI static void dots_vnni(float *out, const int8_t *high, size_t count, size_t P, const float *scales,
                           const ww_history_texts *texts) {
    __m256i sums[4][4];
    for (size_t b = 0; b < texts->count; b += 4) {
        const int8_t *text = texts->bytes + b * P;
        float *to = out + b / 8 * WW_HISTORY_DOTS * 8 + b % 8;
        size_t r = 0;
        for (; r + 4 <= count; r += 4) {
            tile_vnni(sums, high + r * P, 4, P, text, 4);
            for (size_t k = 0; k < 4; k++) put_texts(to + (r + k) * 8, sums[k], scales[r + k], texts, b);
        }
        for (; r < count; r++) {
            tile_vnni(sums, high + r * P, 1, P, text, 4);
            put_texts(to + r * 8, sums[0], scales[r], texts, b);
        }
    }
}

uint64_t ww_history_dots(float *out, const int8_t *high, size_t count, size_t P, const float *scales,
                         const ww_history_texts *texts, ww_scan scan) {
    if (scan == WW_SCAN_BEST)
        scan = ww_scan_available(WW_SCAN_VNNI)   ? WW_SCAN_VNNI
               : ww_scan_available(WW_SCAN_AVX2) ? WW_SCAN_AVX2
                                                 : WW_SCAN_PORTABLE;
    if (scan == WW_SCAN_AVX2 && texts->count == 1) return dots_of_one(out, high, count, P, scales, texts);
    if (scan == WW_SCAN_VNNI && texts->count == 1) return vnni_of_one(out, high, count, P, scales, texts);
    // First, as it reads the rows as they lie: then they are in the cache.
    const uint64_t sum = ww_history_sum(high, count * P);
    (scan == WW_SCAN_VNNI   ? dots_vnni
     : scan == WW_SCAN_AVX2 ? dots_avx2
                            : dots_portable)(out, high, count, P, scales, texts);
    return sum;
}

#else

uint64_t ww_history_dots(float *out, const int8_t *high, size_t count, size_t P, const float *scales,
                         const ww_history_texts *texts, ww_scan scan) {
    (void)scan;
    dots_portable(out, high, count, P, scales, texts);
    return ww_history_sum(high, count * P);
}

#endif
