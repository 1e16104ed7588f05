#include "attention.h"

#include "parallel.h"
#include "quantize/row_numbers.h"
#include "runtime/sizes.h"
#include "runtime/variants.h"

typedef struct rotary_work {
    const ww_numbers *out, *qkv;
    const float *cosines, *sines;
    size_t T, W, H;
} rotary_work;

VARIANTS
static void rotate_rows(void *context, size_t first, size_t last, size_t worker) {
    const rotary_work *w = context;
    const size_t W = w->W, C = W / w->H, half = C / 2;
    (void)worker;
    float row[WW_LONGEST_ROW];
    for (size_t r = first; r < last; r++) {
        const float *c = w->cosines + r % w->T * half, *s = w->sines + r % w->T * half;
        get_row(row, w->qkv, r, 3 * W, 0, 3 * W);
        for (size_t head = 0; head < 2 * W; head += C)  // of queries, then of keys
            for (size_t j = 0; j < half; j++) {
                const float a = row[head + 2 * j], b = row[head + 2 * j + 1];
                row[head + 2 * j] = a * c[j] - b * s[j];
                row[head + 2 * j + 1] = b * c[j] + a * s[j];
            }
        put_row(w->out, r, 3 * W, row);
    }
}

void ww_rotate(const ww_numbers *out, const ww_numbers *qkv, const float *cosines, const float *sines, size_t R,
               size_t T, size_t W, size_t H) {
    rotary_work w = {out, qkv, cosines, sines, T, W, H};
    ww_parallel(R, rotate_rows, &w);
}
