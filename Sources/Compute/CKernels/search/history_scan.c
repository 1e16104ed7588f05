// The scan of a history's high planes, and the windows' scores that follow from it.
#include <string.h>

#include "history_rows.h"
#include "runtime/inline.h"
#include "runtime/variants.h"
#include "score_index.h"
#include "search/history_sum.h"

typedef float vf8 __attribute__((vector_size(32)));
typedef int32_t vi8 __attribute__((vector_size(32)));

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
    for (size_t i = 0; i < P; i += 32) {
        const __m256i q = _mm256_loadu_si256((const __m256i *)(text + i));
        for (size_t r = 0; r < 4; r++) {
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

VNNI static void dots_vnni(float *out, const int8_t *high, size_t count, size_t P, const float *scales,
                           const ww_history_texts *texts) {
    __m256i sums[4][4], turned[4];
    if (texts->count == 1) {
        size_t r = 0;
        for (; r + 4 <= count; r += 4) {
            tile_vnni(sums, high + r * P, 4, P, texts->bytes, 1);
            for (int k = 0; k < 4; k++) turned[k] = sums[k][0];
            put_rows(out + r * 8, turned, scales + r, texts, 0);
        }
        if (r < count) dots_portable(out + r * 8, high + r * P, count - r, P, scales + r, texts);
        return;
    }
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
    (scan == WW_SCAN_VNNI   ? dots_vnni
     : scan == WW_SCAN_AVX2 ? dots_avx2
                            : dots_portable)(out, high, count, P, scales, texts);
    return ww_history_sum(high, count * P);
}

#else

uint64_t ww_history_dots(float *out, const int8_t *high, size_t count, size_t P, const float *scales,
                         const ww_history_texts *texts, ww_scan scan) {
    (void)scan;
    dots_portable(out, high, count, P, scales, texts);
    return ww_history_sum(high, count * P);
}

#endif

// 64 places at a time, whose float sums stay in registers. A sum's step is the largest there can be of its rows / 127.
VARIANTS
void ww_history_group(int8_t *sums, float *group_scales, const int8_t *high, const float *scales, const int32_t *rows,
                      size_t n, size_t size, size_t P) {
    for (size_t g = 0; g < n / size; g++) {
        const int32_t *own = rows + g * size;
        float most = 0;
        for (size_t k = 0; k < size; k++) most += own[k] < 0 ? 0 : scales[own[k]];
        group_scales[g] = most;
        const float step = most > 0 ? 1 / most : 0;
        for (size_t i = 0; i < P; i += 64) {
            float total[64] = {0};
            for (size_t k = 0; k < size; k++) {
                if (own[k] < 0) continue;
                const int8_t *row = high + (size_t)own[k] * P + i;
                const float scale = scales[own[k]] * step;
                for (size_t j = 0; j < 64; j++) total[j] += scale * (float)row[j];
            }
            for (size_t j = 0; j < 64; j++) sums[g * P + i + j] = (int8_t)__builtin_rintf(total[j]);
        }
    }
}

size_t ww_history_bin(float score) {
    const float place = score * (WW_HISTORY_BINS / 2) + WW_HISTORY_BINS / 2;
    return place <= 0 ? 0 : place >= WW_HISTORY_BINS - 1 ? WW_HISTORY_BINS - 1 : (size_t)place;
}

// Eight texts. sums (L + 1 + n, 8), of which the first L + 1 are those before the block.
INLINE void scores_of(float *sums, size_t L, const float *dots, const int32_t *rows, const float *inverse, size_t n,
                      float *scores) {
    const vf8 none = (vf8){0} + __builtin_nanf("");
    vf8 sum, dot, oldest, score;
    memcpy(&sum, sums + L * 8, sizeof sum);
    for (size_t t = 0; t < n; t++) {
        if (rows[t] >= 0) {
            memcpy(&dot, dots + (size_t)rows[t] * 8, sizeof dot);
            sum += dot;
        }
        memcpy(sums + (L + 1 + t) * 8, &sum, sizeof sum);
        memcpy(&oldest, sums + (t + 1) * 8, sizeof oldest);
        score = inverse[t] > 0 ? (sum - oldest) * inverse[t] : none;
        memcpy(scores + t * 8, &score, sizeof score);
    }
    // Sums stay small, and so their rounding.
    memcpy(&oldest, sums + n * 8, sizeof oldest);
    for (size_t i = 0; i <= L; i++) {
        memcpy(&sum, sums + (n + i) * 8, sizeof sum);
        sum -= oldest;
        memcpy(sums + i * 8, &sum, sizeof sum);
    }
}

VARIANTS
void ww_history_scores(float *sums, size_t L, size_t B, const float *dots, const int32_t *rows, const float *inverse,
                       size_t n, float *scores) {
    for (size_t b = 0; b < B; b += 8)
        scores_of(sums + b * (L + 1 + WW_HISTORY_ENTRIES), L, dots + b * WW_HISTORY_DOTS, rows, inverse, n,
                  scores + b * WW_HISTORY_ENTRIES);
}

// Eight texts, of which `some` count.
INLINE void best_of(const float *scores, size_t some, const float *inverse, const uint32_t *slots, size_t n,
                    float *best, size_t stride, uint32_t *counts) {
    const float half = WW_HISTORY_BINS / 2, last = WW_HISTORY_BINS - 1;
    size_t slot = SIZE_MAX;
    vf8 most = {0}, score;
    for (size_t t = 0; t < n; t++) {
        if (!(inverse[t] > 0)) continue;
        if (slots[t] != slot) {
            if (slot != SIZE_MAX) memcpy(best + slot * stride, &most, sizeof most);
            slot = slots[t];
            memcpy(&most, best + slot * stride, sizeof most);
        }
        memcpy(&score, scores + t * 8, sizeof score);
        most = __builtin_elementwise_max(score, most);
        const vf8 bin =
            __builtin_elementwise_min(__builtin_elementwise_max(score * half + half, (vf8){0}), (vf8){0} + last);
        const vi8 whole = __builtin_convertvector(bin, vi8);
        for (size_t k = 0; k < some; k++) counts[k * WW_HISTORY_BINS + (size_t)whole[k]]++;
    }
    if (slot != SIZE_MAX) memcpy(best + slot * stride, &most, sizeof most);
}

VARIANTS
void ww_history_best(const float *scores, size_t B, const float *inverse, const uint32_t *slots, size_t n, float *best,
                     size_t stride, uint32_t *counts) {
    for (size_t b = 0; b < B; b += 8) {
        const float *own = scores + b * WW_HISTORY_ENTRIES;
        uint32_t *of = counts + b * WW_HISTORY_BINS;
        if (B - b >= 8)
            best_of(own, 8, inverse, slots, n, best + b, stride, of);
        else if (B - b == 1)
            best_of(own, 1, inverse, slots, n, best + b, stride, of);
        else
            best_of(own, B - b, inverse, slots, n, best + b, stride, of);
    }
}
