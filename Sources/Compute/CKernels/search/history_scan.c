// The scan of a history's high planes, and the windows' scores that follow from it.
#include <string.h>

#include "history_rows.h"
#include "runtime/inline.h"
#include "runtime/variants.h"

typedef float vf8 __attribute__((vector_size(32)));
typedef int32_t vi8 __attribute__((vector_size(32)));

static void dots_portable(float *out, size_t stride, const int8_t *high, size_t count, size_t P, const float *scales,
                          const int16_t *texts, const float *steps, size_t B) {
    for (size_t r = 0; r < count; r++) {
        for (size_t b = 0; b < B; b++) {
            int32_t sum = 0;
            for (size_t i = 0; i < P; i++) sum += high[r * P + i] * texts[b * P + i];
            out[r * stride + b] = (float)sum * (scales[r] * steps[b]);
        }
    }
}

static void sums_portable(float *out, size_t stride, const int16_t *sums, size_t count, size_t P, const float *scales,
                          const int16_t *texts, const float *steps, size_t B) {
    for (size_t r = 0; r < count; r++) {
        for (size_t b = 0; b < B; b++) {
            int32_t sum = 0;
            for (size_t i = 0; i < P; i++) sum += sums[r * P + i] * texts[b * P + i];
            out[r * stride + b] = (float)sum * (scales[r] * steps[b]);
        }
    }
}

#if defined(__x86_64__) && defined(__linux__)

#include <immintrin.h>

#define AVX2 __attribute__((target("avx2,fma")))

AVX2 INLINE float total(__m256i sum) {
    __m128i half = _mm_add_epi32(_mm256_castsi256_si128(sum), _mm256_extracti128_si256(sum, 1));
    half = _mm_add_epi32(half, _mm_shuffle_epi32(half, 0x4E));
    half = _mm_add_epi32(half, _mm_shuffle_epi32(half, 0xB1));
    return (float)_mm_cvtsi128_si32(half);
}

// Some rows by some texts: sixteen bytes become words, unless they are, whose products are summed by pairs.
AVX2 INLINE void tile(float *out, size_t stride, const void *from, int are_words, size_t rows, size_t P,
                      const float *scales, const int16_t *texts, const float *steps, size_t many) {
    const int8_t *bytes = from;
    const int16_t *words = from;
    __m256i sums[4][4];
    for (size_t r = 0; r < rows; r++)
        for (size_t b = 0; b < many; b++) sums[r][b] = _mm256_setzero_si256();
    for (size_t i = 0; i < P; i += 16) {
        __m256i row[4];
        for (size_t r = 0; r < rows; r++)
            row[r] = are_words ? _mm256_loadu_si256((const __m256i *)(words + r * P + i))
                               : _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(bytes + r * P + i)));
        for (size_t b = 0; b < many; b++) {
            const __m256i text = _mm256_loadu_si256((const __m256i *)(texts + b * P + i));
            for (size_t r = 0; r < rows; r++)
                sums[r][b] = _mm256_add_epi32(sums[r][b], _mm256_madd_epi16(row[r], text));
        }
    }
    for (size_t r = 0; r < rows; r++)
        for (size_t b = 0; b < many; b++) out[r * stride + b] = total(sums[r][b]) * (scales[r] * steps[b]);
}

AVX2 INLINE void tiles(float *out, size_t stride, const void *rows, int are_words, size_t count, size_t P,
                       const float *scales, const int16_t *texts, const float *steps, size_t B) {
    const char *bytes = rows;
    const size_t size = P * (are_words ? sizeof(int16_t) : 1);
    size_t b = 0;
    for (; b + 4 <= B; b += 4) {
        const int16_t *text = texts + b * P;
        size_t r = 0;
        for (; r + 2 <= count; r += 2)
            tile(out + r * stride + b, stride, bytes + r * size, are_words, 2, P, scales + r, text, steps + b, 4);
        for (; r < count; r++)
            tile(out + r * stride + b, stride, bytes + r * size, are_words, 1, P, scales + r, text, steps + b, 4);
    }
    for (; b < B; b++) {
        const int16_t *text = texts + b * P;
        size_t r = 0;
        for (; r + 4 <= count; r += 4)
            tile(out + r * stride + b, stride, bytes + r * size, are_words, 4, P, scales + r, text, steps + b, 1);
        for (; r < count; r++)
            tile(out + r * stride + b, stride, bytes + r * size, are_words, 1, P, scales + r, text, steps + b, 1);
    }
}

AVX2 static void dots_avx2(float *out, size_t stride, const int8_t *high, size_t count, size_t P, const float *scales,
                           const int16_t *texts, const float *steps, size_t B) {
    tiles(out, stride, high, 0, count, P, scales, texts, steps, B);
}

AVX2 static void sums_avx2(float *out, size_t stride, const int16_t *sums, size_t count, size_t P, const float *scales,
                           const int16_t *texts, const float *steps, size_t B) {
    tiles(out, stride, sums, 1, count, P, scales, texts, steps, B);
}

static int has_avx2(void) { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }

void ww_history_dots(float *out, size_t stride, const int8_t *high, size_t count, size_t P, const float *scales,
                     const int16_t *texts, const float *steps, size_t B) {
    (has_avx2() ? dots_avx2 : dots_portable)(out, stride, high, count, P, scales, texts, steps, B);
}

void ww_history_dots_of_sums(float *out, size_t stride, const int16_t *sums, size_t count, size_t P,
                             const float *scales, const int16_t *texts, const float *steps, size_t B) {
    (has_avx2() ? sums_avx2 : sums_portable)(out, stride, sums, count, P, scales, texts, steps, B);
}

#else

void ww_history_dots(float *out, size_t stride, const int8_t *high, size_t count, size_t P, const float *scales,
                     const int16_t *texts, const float *steps, size_t B) {
    dots_portable(out, stride, high, count, P, scales, texts, steps, B);
}

void ww_history_dots_of_sums(float *out, size_t stride, const int16_t *sums, size_t count, size_t P,
                             const float *scales, const int16_t *texts, const float *steps, size_t B) {
    sums_portable(out, stride, sums, count, P, scales, texts, steps, B);
}

#endif

// 64 places at a time, whose float sums stay in registers. A sum's step is the largest there can be of its rows / 511.
VARIANTS
void ww_history_group(int16_t *sums, float *group_scales, const int8_t *high, const float *scales, const int32_t *rows,
                      size_t n, size_t size, size_t P) {
    for (size_t g = 0; g < n / size; g++) {
        const int32_t *own = rows + g * size;
        float most = 0;
        for (size_t k = 0; k < size; k++) most += own[k] < 0 ? 0 : scales[own[k]];
        group_scales[g] = most * 127 / 511;
        const float step = most > 0 ? 1 / group_scales[g] : 0;
        for (size_t i = 0; i < P; i += 64) {
            float total[64] = {0};
            for (size_t k = 0; k < size; k++) {
                if (own[k] < 0) continue;
                const int8_t *row = high + (size_t)own[k] * P + i;
                const float scale = scales[own[k]] * step;
                for (size_t j = 0; j < 64; j++) total[j] += scale * (float)row[j];
            }
            for (size_t j = 0; j < 64; j++) sums[g * P + i + j] = (int16_t)__builtin_rintf(total[j]);
        }
    }
}

VARIANTS
void ww_history_slide(float *prefix, size_t L, size_t stride, const float *dots, const int32_t *rows, size_t n) {
    for (size_t b = 0; b < stride; b += 8) {
        float *at = prefix + (L + 1) * stride + b;
        vf8 sum, dot;
        memcpy(&sum, at - stride, sizeof sum);
        for (size_t t = 0; t < n; t++, at += stride) {
            if (rows[t] >= 0) {
                memcpy(&dot, dots + (size_t)rows[t] * stride + b, sizeof dot);
                sum += dot;
            }
            memcpy(at, &sum, sizeof sum);
        }
    }
}

size_t ww_history_bin(float score) {
    const float place = score * (WW_HISTORY_BINS / 2) + WW_HISTORY_BINS / 2;
    return place <= 0 ? 0 : place >= WW_HISTORY_BINS - 1 ? WW_HISTORY_BINS - 1 : (size_t)place;
}

// Eight texts, of which `some` count.
INLINE void windows_of(const float *prefix, size_t L, size_t stride, size_t some, const float *inverse,
                       const uint32_t *slots, size_t n, uint32_t first, float *best, uint32_t *entries,
                       uint32_t *counts) {
    const float half = WW_HISTORY_BINS / 2, last = WW_HISTORY_BINS - 1;
    size_t slot = SIZE_MAX;
    vf8 most = {0};
    vi8 at = {0};
    for (size_t t = 0; t < n; t++) {
        if (!(inverse[t] > 0)) continue;
        if (slots[t] != slot) {
            if (slot != SIZE_MAX) {
                memcpy(best + slot * stride, &most, sizeof most);
                memcpy(entries + slot * stride, &at, sizeof at);
            }
            slot = slots[t];
            memcpy(&most, best + slot * stride, sizeof most);
            memcpy(&at, entries + slot * stride, sizeof at);
        }
        vf8 newest, oldest;
        memcpy(&newest, prefix + (L + 1 + t) * stride, sizeof newest);
        memcpy(&oldest, prefix + (t + 1) * stride, sizeof oldest);
        const vf8 score = (newest - oldest) * inverse[t];
        const vi8 better = score > most, entry = (vi8){0} + (int32_t)(first + (uint32_t)t);
        most = __builtin_elementwise_max(score, most);
        at = (entry & better) | (at & ~better);
        const vf8 bin =
            __builtin_elementwise_min(__builtin_elementwise_max(score * half + half, (vf8){0}), (vf8){0} + last);
        const vi8 whole = __builtin_convertvector(bin, vi8);
        for (size_t k = 0; k < some; k++) counts[k * WW_HISTORY_BINS + (size_t)whole[k]]++;
    }
    if (slot == SIZE_MAX) return;
    memcpy(best + slot * stride, &most, sizeof most);
    memcpy(entries + slot * stride, &at, sizeof at);
}

VARIANTS
void ww_history_windows(const float *prefix, size_t L, size_t stride, size_t B, const float *inverse,
                        const uint32_t *slots, size_t n, uint32_t first, float *best, uint32_t *entries,
                        uint32_t *counts) {
    for (size_t b = 0; b < B; b += 8) {
        uint32_t *of = counts + b * WW_HISTORY_BINS;
        if (B - b >= 8)
            windows_of(prefix + b, L, stride, 8, inverse, slots, n, first, best + b, entries + b, of);
        else if (B - b == 1)
            windows_of(prefix + b, L, stride, 1, inverse, slots, n, first, best + b, entries + b, of);
        else
            windows_of(prefix + b, L, stride, B - b, inverse, slots, n, first, best + b, entries + b, of);
    }
}

VARIANTS
void ww_history_advance(float *prefix, size_t L, size_t stride, size_t n) {
    memmove(prefix, prefix + n * stride, (L + 1) * stride * sizeof *prefix);
    // Sums stay small, and so their rounding.
    for (size_t b = 0; b < stride; b++) {
        const float base = prefix[b];
        for (size_t i = 0; i <= L; i++) prefix[i * stride + b] -= base;
    }
}
