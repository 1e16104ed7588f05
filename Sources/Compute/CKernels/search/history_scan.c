// The windows' scores that follow from a scan's products.
#include <string.h>

#include "history_rows.h"
#include "runtime/inline.h"
#include "runtime/variants.h"

typedef float vf8 __attribute__((vector_size(32)));
typedef int32_t vi8 __attribute__((vector_size(32)));

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
