#include "norms.h"

#include <math.h>

#include "linear/row_blocks.h"
#include "quantize/row_numbers.h"
#include "runtime/spread.h"

// The longest row that a worker keeps on its stack.
enum { ROW = WW_LONGEST_ROW };

typedef struct norm_work {
    const ww_numbers *out;
    const float *x, *weight, *bias;
    float epsilon;
    size_t W;
} norm_work;

// Row `r` of `out` from `in`; `row` holds it on the way to other numbers.
INLINE void norm_row(const norm_work *w, const ww_numbers *out, size_t r, const float *in, float *row) {
    const size_t W = w->W;
    float *o = out->kind == WW_F32 ? (float *)out->data + r * W : row;
    float sum = 0;
    for (size_t i = 0; i < W; i++) sum += in[i];
    const float mean = sum / (float)W;
    float squares = 0;
    for (size_t i = 0; i < W; i++) squares += (in[i] - mean) * (in[i] - mean);
    const float scale = opaque(1.0f / sqrtf(squares / (float)W + w->epsilon));
    vf low = {0}, high = {0};
    const size_t whole = W / LANES * LANES;
    for (size_t i = 0; i < whole; i += LANES) {
        vf v, weight, bias;
        load(&v, in + i);
        load(&weight, w->weight + i);
        load(&bias, w->bias + i);
        v = (v - mean) * scale * weight + bias;
        store(o + i, &v);
        low = __builtin_elementwise_min(v, low);
        high = __builtin_elementwise_max(v, high);
    }
    for (size_t i = whole; i < W; i++) {
        o[i] = (in[i] - mean) * scale * w->weight[i] + w->bias[i];
        low[0] = o[i] < low[0] ? o[i] : low[0];
        high[0] = o[i] > high[0] ? o[i] : high[0];
    }
    if (out->kind == WW_U8)
        put_bytes(out, r, W, row, &low, &high);
    else if (out->kind == WW_BF16)
        put_row(out, r, W, row);
}

VARIANTS
static void norm_rows(void *context, size_t first, size_t last, size_t worker) {
    const norm_work *w = context;
    const size_t W = w->W;
    (void)worker;
    float row[ROW];
    row_run run;
    for (size_t start = first; start < last; start += run.count) {
        begin_run(&run, w->out, start, last, W);
        for (size_t r = 0; r < run.count; r++) norm_row(w, &run.numbers, r, w->x + (start + r) * W, row);
        end_run(&run, w->out, start, W);
    }
}

void ww_layer_norm(const ww_numbers *out, const float *x, const float *weight, const float *bias, float epsilon,
                   size_t R, size_t W) {
    norm_work w = {out, x, weight, bias, epsilon, W};
    spread(R, W, norm_rows, &w);
}
