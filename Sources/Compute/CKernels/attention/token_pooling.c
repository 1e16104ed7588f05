#include "attention.h"

#include <math.h>

#include "parallel.h"
#include "runtime/variants.h"

typedef struct pooling_work {
    float *out;
    const float *x, *scores;
    size_t T, W, H;
} pooling_work;

// One head of one sequence an item.
VARIANTS
static void pool_heads(void *context, size_t first, size_t last, size_t worker) {
    const pooling_work *w = context;
    const size_t W = w->W, T = w->T, H = w->H;
    (void)worker;
    for (size_t item = first; item < last; item++) {
        const float *x = w->x + item / H * T * W, *scores = w->scores + item / H * T * H + item % H;
        float *out = w->out + item * W;
        float most = -INFINITY, total = 0;
        for (size_t t = 0; t < T; t++) most = scores[t * H] > most ? scores[t * H] : most;
        for (size_t i = 0; i < W; i++) out[i] = 0;
        for (size_t t = 0; t < T; t++) {
            const float e = expf(scores[t * H] - most);
            total += e;
            for (size_t i = 0; i < W; i++) out[i] += e * x[t * W + i];
        }
        for (size_t i = 0; i < W; i++) out[i] /= total;
    }
}

void ww_pool_tokens(float *out, const float *x, const float *scores, size_t B, size_t T, size_t W, size_t H) {
    pooling_work w = {out, x, scores, T, W, H};
    ww_parallel(B * H, pool_heads, &w);
}
