// Rows as bytes, and the bound on what they miss.
//
// A row x and a window v are first rotated by the same orthogonal matrix, y = Qx and z = Qv, which changes no dot
// product: random signs, then a Walsh-Hadamard transform of each stretch of a power of two. Models put much of an
// embedding's length into few of its dimensions; a common step for all would be coarse. Rotated, every vector looks
// like noise, and the step is about 3.3 / 127 of the mean size.
//
// Then y = s q + f and z = t p + g, with whole q and p from -127 to 127, steps s and t, and f and g what rounding
// leaves. <x, v> = <y, z> = s t <q, p> + <s q, g> + <f, z> <= s t <q, p> + |s q| |g| + |f| |z| by Cauchy-Schwarz. The
// norms on the right are measured, not estimated. So where s t <q, p> + |s q| |g| + |f| |z| < floor the pair cannot
// reach its floor. <q, p> is an exact whole number; divided by s t, with what belongs to the row in brackets, the pair
// is excluded where <q, p> < (floor / s) / t - (|s q| / s) (|g| / t) - (|f| / s) (|z| / t)
// (1)
//
// Rounding. Let u = 2^-24, and n = |x| |v|. All but (1) and the stored factors is float64, whose errors, of the
// rotation and of a score's sum, are below 16384 * 2^-53 n = 2^-39 n. In units of n: the score's rounding to float32,
// u; <q, p> as float32, u times s t |<q, p>| <= |s q| |t p| <= 2.25 n, since |f| <= s sqrt(P) / 2 <= |x| sqrt(16384) /
// 254 and so |s q| <= 1.504 |x|. The right side of (1) is off by at most 7 u times the sum of its three terms' sizes:
// two roundings of factors and one product each, two additions, and a bit. The first counts where |floor| <= n (1 + u):
// beyond it the score is below its floor whatever (1) says, or above it by more than the error grows. That is below 11
// u n in all, besides 7 u of the second and the third term. So 16 u |x| is added to |f|, which is 16 u n, and the
// windows' factors |g| / t and |z| / t are made larger by 16 u. With and without fused multiply-adds: these only leave
// out roundings.
//
// No overflow and no underflow that matters: (1) is used for norms from 2^-40 to 2^40 and floors up to 2^60. For all
// else, limits or factors are NaN, and the comparison is "not less than", which NaN passes: such pairs are scored.
#include "search/score_bytes.h"

#include <math.h>
#include <string.h>

#include "runtime/inline.h"
#include "runtime/variants.h"

typedef double vd __attribute__((vector_size(64)));
typedef int32_t vi8 __attribute__((vector_size(32)));
typedef int8_t vb8 __attribute__((vector_size(8)));

static const double MIN_NORM = 0x1p-40, MAX_NORM = 0x1p40;

INLINE double sum_of(const vd *v) {
    return (((*v)[0] + (*v)[4]) + ((*v)[2] + (*v)[6])) + (((*v)[1] + (*v)[5]) + ((*v)[3] + (*v)[7]));
}

// Signs without pattern, always the same.
INLINE double sign(size_t i) {
    uint32_t h = (uint32_t)i * 0x9E3779B9u;
    h = (h ^ h >> 15) * 0x85EBCA6Bu;
    h = (h ^ h >> 13) * 0xC2B2AE35u;
    return h >> 16 & 1 ? -1 : 1;
}

#define ACROSS(v, h)                                                                                            \
    {                                                                                                           \
        const vd other = __builtin_shufflevector(v, v, 0 ^ h, 1 ^ h, 2 ^ h, 3 ^ h, 4 ^ h, 5 ^ h, 6 ^ h, 7 ^ h); \
        const vd signs = {0 & h ? -1 : 1, 1 & h ? -1 : 1, 2 & h ? -1 : 1, 3 & h ? -1 : 1,                       \
                          4 & h ? -1 : 1, 5 & h ? -1 : 1, 6 & h ? -1 : 1, 7 & h ? -1 : 1};                      \
        v = other + v * signs;                                                                                  \
    }

// The Walsh-Hadamard transform, orthogonal, of each of the longest stretches that are a power of two.
INLINE void rotate(double *y, size_t P) {
    const size_t length = P & -P;
    const double unit = 1 / sqrt((double)length);
    for (size_t i = 0; i < P; i += 8) {
        vd v;
        memcpy(&v, y + i, sizeof v);
        v *= unit;
        ACROSS(v, 1)
        ACROSS(v, 2)
        ACROSS(v, 4)
        memcpy(y + i, &v, sizeof v);
    }
    for (size_t h = 8; h < length; h *= 2) {
        for (size_t start = 0; start < P; start += 2 * h) {
            for (size_t i = start; i < start + h; i += 8) {
                vd a, b;
                memcpy(&a, y + i, sizeof a);
                memcpy(&b, y + i + h, sizeof b);
                const vd sum = a + b, difference = a - b;
                memcpy(y + i, &sum, sizeof sum);
                memcpy(y + i + h, &difference, sizeof difference);
            }
        }
    }
}

VARIANTS
void to_bytes(as_bytes *out, int8_t *q, const float *x, size_t width, double *y) {
    const size_t P = ww_score_padded(width);
    for (size_t i = 0; i < width; i++) y[i] = x[i] * sign(i);
    for (size_t i = width; i < P; i++) y[i] = 0;
    vd squares = {0};
    for (size_t i = 0; i < P; i += 8) {
        vd v;
        memcpy(&v, y + i, sizeof v);
        squares += v * v;
    }
    // The square of a float32 does not overflow: the sum is finite if all are.
    *out = (as_bytes){0};
    out->norm = sqrt(sum_of(&squares));
    out->finite = out->norm < INFINITY;
    if (!(MIN_NORM <= out->norm && out->norm <= MAX_NORM)) {
        memset(q, 0, P);
        return;
    }
    rotate(y, P);
    vd most = {0};
    for (size_t i = 0; i < P; i += 8) {
        vd v;
        memcpy(&v, y + i, sizeof v);
        most = __builtin_elementwise_max(most, __builtin_elementwise_abs(v));
    }
    double top = 0;
    for (int i = 0; i < 8; i++) top = most[i] > top ? most[i] : top;
    const double scale = (float)(top / 127), step = 1 / scale;
    vd lengths = {0}, errors = {0};
    vi8 sums = {0};
    for (size_t i = 0; i < P; i += 8) {
        vd v;
        memcpy(&v, y + i, sizeof v);
        // Adding 1.5 * 2^52 rounds to a whole number. `scale` is rounded too: 127.00001 is the most there can be.
        const vd magic = (vd){0} + 0x1.8p52;
        const vd moved = v * step + magic, whole = moved - magic;
        const vd value = whole * scale, error = v - value;
        lengths += value * value;
        errors += error * error;
        const vi8 narrow = __builtin_convertvector(whole, vi8);
        sums += narrow;
        const vb8 bytes = __builtin_convertvector(narrow, vb8);
        memcpy(q + i, &bytes, sizeof bytes);
    }
    out->scale = scale;
    out->length = sqrt(sum_of(&lengths));
    out->error = sqrt(sum_of(&errors));
    for (int i = 0; i < 8; i++) out->sum += sums[i];
}

VARIANTS
void rotate_row(double *y, const float *x, size_t width) {
    const size_t P = ww_score_padded(width);
    for (size_t i = 0; i < width; i++) y[i] = x[i] * sign(i);
    for (size_t i = width; i < P; i++) y[i] = 0;
    rotate(y, P);
}

// The transform is its own inverse.
VARIANTS
void rotate_back(double *y, size_t width) {
    rotate(y, ww_score_padded(width));
    for (size_t i = 0; i < width; i++) y[i] *= sign(i);
}
