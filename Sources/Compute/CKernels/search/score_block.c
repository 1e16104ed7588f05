// Blocks of rows, and the score itself.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/inline.h"
#include "runtime/variants.h"
#include "search/score_bytes.h"

typedef double vd __attribute__((vector_size(64)));
typedef float vf8 __attribute__((vector_size(32)));

size_t ww_score_padded(size_t width) { return (width + 63) / 64 * 64; }

// Four vectors of partial sums, in an order that all instruction sets share.
VARIANTS
float ww_score(const float *row, const float *window, size_t P) {
    vd sums[4] = {0};
    for (size_t i = 0; i < P; i += 32) {
        for (int k = 0; k < 4; k++) {
            vf8 a, b;
            memcpy(&a, row + i + 8 * k, sizeof a);
            memcpy(&b, window + i + 8 * k, sizeof b);
            sums[k] += __builtin_convertvector(a, vd) * __builtin_convertvector(b, vd);
        }
    }
    const vd total = (sums[0] + sums[1]) + (sums[2] + sums[3]);
    return (float)(((total[0] + total[4]) + (total[2] + total[6])) + ((total[1] + total[5]) + (total[3] + total[7])));
}

void ww_score_block_make(ww_score_block *block, size_t P) {
    // Memory is given out as it is written to: a block with few rows is small.
    enum { B = WW_SCORE_BLOCK };
    void *memory = NULL;
    if (posix_memalign(&memory, 64, B * (P * 5 + 6 * 4)) != 0) abort();
    float *rows = memory, *factors = rows + B * P;
    *block = (ww_score_block){rows,
                              (uint8_t *)(factors + 6 * B),
                              factors,
                              factors + B,
                              factors + 2 * B,
                              factors + 3 * B,
                              factors + 4 * B,
                              (int32_t *)(factors + 5 * B)};
    for (size_t r = 0; r < B; r++) ww_score_clear(block, r);
}

void ww_score_block_free(const ww_score_block *block) { free(block->rows); }

// Where the first bytes of a row are; the next ones follow after a panel's.
INLINE uint8_t *place(const ww_score_block *block, size_t r, size_t P) {
    return block->bytes + r / WW_SCORE_PANEL * WW_SCORE_PANEL * P + r % WW_SCORE_PANEL * 4;
}

void ww_score_clear(const ww_score_block *block, size_t r) {
    block->floors[r] = block->scales[r] = NAN;
    block->limits[r] = INFINITY;
    block->lengths[r] = block->errors[r] = 0;
}

// Norms, floors and rounding: score_bytes.c.
static const double SLACK = 0x1p-20, HIGHEST = 0x1p60;

void ww_score_set_floor(const ww_score_block *block, size_t r, float floor) {
    const double scale = block->scales[r];
    const int never = isnan(scale) || isnan(floor);
    block->floors[r] = isnan(scale) ? NAN : floor;
    block->limits[r] = never                                                    ? INFINITY
                       : scale == 0 || (fabs(floor) > HIGHEST && !isinf(floor)) ? NAN
                       : isinf(floor)                                           ? floor
                                                                                : (float)(floor / scale);
}

void ww_score_put(const ww_score_block *block, size_t r, const float *x, size_t width, float floor, int32_t tag,
                  double *work) {
    const size_t P = ww_score_padded(width);
    float *row = block->rows + r * P;
    memcpy(row, x, width * sizeof *x);
    memset(row + width, 0, (P - width) * sizeof *x);
    // The bytes are made in the scratch memory's second half, and then go to their places.
    int8_t *q = (int8_t *)(work + P);
    as_bytes made;
    to_bytes(&made, q, x, width, work);
    uint8_t *to = place(block, r, P);
    for (size_t i = 0; i < P; i += 4, to += 4 * WW_SCORE_PANEL) {
        uint32_t four;
        memcpy(&four, q + i, 4);
        four ^= 0x80808080u;
        memcpy(to, &four, 4);
    }
    const double scale = made.scale;
    block->scales[r] = made.finite ? (float)scale : NAN;
    block->lengths[r] = scale > 0 ? (float)(made.length / scale) : 0;
    block->errors[r] = scale > 0 ? (float)((made.error + SLACK * made.norm) / scale) : 0;
    block->tags[r] = tag;
    ww_score_set_floor(block, r, floor);
}

void ww_score_copy(const ww_score_block *to, size_t r, const ww_score_block *from, size_t s, size_t P) {
    memcpy(to->rows + r * P, from->rows + s * P, P * sizeof(float));
    uint8_t *out = place(to, r, P);
    const uint8_t *in = place(from, s, P);
    for (size_t i = 0; i < P * WW_SCORE_PANEL; i += 4 * WW_SCORE_PANEL) memcpy(out + i, in + i, 4);
    to->floors[r] = from->floors[s];
    to->scales[r] = from->scales[s];
    to->limits[r] = from->limits[s];
    to->lengths[r] = from->lengths[s];
    to->errors[r] = from->errors[s];
    to->tags[r] = from->tags[s];
}
