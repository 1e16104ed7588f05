#include "rows.h"

#include <math.h>

#include "parallel.h"

// Below this many numbers, waking another core takes longer than the work.
enum { SMALL = 4096 };

static void spread(size_t R, size_t W, void (*body)(void *, size_t, size_t, size_t), void *context) {
    if (R * W < SMALL)
        body(context, 0, R, 0);
    else
        ww_parallel(R, body, context);
}

// The longest row that a worker keeps on its stack.
enum { ROW = 4096 };

typedef struct norm_work {
    const ww_numbers *out;
    const float *x, *weight, *bias;
    float epsilon;
    size_t W;
} norm_work;

VARIANTS
static void norm_rows(void *context, size_t first, size_t last, size_t worker) {
    const norm_work *w = context;
    const size_t W = w->W;
    (void)worker;
    float row[ROW];
    for (size_t r = first; r < last; r++) {
        const float *in = w->x + r * W;
        float *o = w->out->kind == WW_F32 ? (float *)w->out->data + r * W : row;
        float sum = 0;
        for (size_t i = 0; i < W; i++) sum += in[i];
        const float mean = sum / (float)W;
        float squares = 0;
        for (size_t i = 0; i < W; i++) squares += (in[i] - mean) * (in[i] - mean);
        const float scale = opaque(1.0f / sqrtf(squares / (float)W + w->epsilon));
        for (size_t i = 0; i < W; i++) o[i] = (in[i] - mean) * scale * w->weight[i] + w->bias[i];
        if (w->out->kind != WW_F32) put_row(w->out, r, W, row);
    }
}

void ww_layer_norm(const ww_numbers *out, const float *x, const float *weight, const float *bias, float epsilon,
                   size_t R, size_t W) {
    norm_work w = {out, x, weight, bias, epsilon, W};
    spread(R, W, norm_rows, &w);
}

typedef struct sums_work {
    const ww_numbers *out, *sums;
    float *x;
    ww_curve curve;
    size_t W;
} sums_work;

VARIANTS
static void add_rows(void *context, size_t first, size_t last, size_t worker) {
    const sums_work *w = context;
    const size_t W = w->W;
    const ww_columns *c = w->sums->columns;
    (void)worker;
    for (size_t r = first; r < last; r++) {
        float *restrict x = w->x + r * W;
        const int32_t *restrict p = (const int32_t *)w->sums->data + r * W;
        const float a = w->sums->rows[r].scale, b = a * w->sums->rows[r].zero;
        for (size_t i = 0; i < W; i++) x[i] += a * ((float)p[i] * c->scale[i]) - b * c->offset[i] + c->bias[i];
    }
}

void ww_add_sums(float *x, const ww_numbers *sums, size_t R, size_t W) {
    sums_work w = {NULL, sums, x, WW_LINE, W};
    spread(R, W, add_rows, &w);
}

// x * sigmoid(1.702 x)
INLINE void quick_gelu(vf *x) {
    vf s = *x * -1.702f;
    exponential(&s);
    s = s + 1.0f;
    reciprocal(&s);
    *x = *x * s;
}

// x * Phi(x); erf by Abramowitz and Stegun 7.1.26, within 1.5e-7 of 1.
INLINE void gelu(vf *x) {
    const vf z = *x * 0.70710678f;
    const vf a = __builtin_elementwise_abs(z);
    vf t = a * 0.3275911f + 1.0f;
    reciprocal(&t);
    vf e = -a * a;
    exponential(&e);
    vf p = t * 1.061405429f - 1.453152027f;
    p = p * t + 1.421413741f;
    p = p * t - 0.284496736f;
    p = (p * t + 0.254829592f) * t * e;
    // Phi(x) = p / 2 where x is negative, else 1 - p / 2.
    const vi negative = z < 0.0f;
    const vf half = p * 0.5f, other = 1.0f - half;
    *x = *x * (vf)((negative & (vi)half) | (~negative & (vi)other));
}

VARIANTS
static void finish_rows(void *context, size_t first, size_t last, size_t worker) {
    const sums_work *w = context;
    const size_t W = w->W, whole = W / LANES * LANES;
    (void)worker;
    for (size_t r = first; r < last; r++) {
        float *row = (float *)w->sums->data + r * W;  // values take their sums' place
        get_row(row, w->sums, r, W, 0, W);
        if (w->curve != WW_LINE) {
            for (size_t i = 0; i < whole; i += LANES) {
                vf v;
                load(&v, row + i);
                if (w->curve == WW_QUICK_GELU)
                    quick_gelu(&v);
                else
                    gelu(&v);
                store(row + i, &v);
            }
            if (whole < W) {
                vf v = {0};
                memcpy(&v, row + whole, (W - whole) * sizeof *row);
                if (w->curve == WW_QUICK_GELU)
                    quick_gelu(&v);
                else
                    gelu(&v);
                memcpy(row + whole, &v, (W - whole) * sizeof *row);
            }
        }
        put_row(w->out, r, W, row);
    }
}

void ww_finish_sums(const ww_numbers *out, const ww_numbers *sums, ww_curve curve, size_t R, size_t W) {
    sums_work w = {out, sums, NULL, curve, W};
    spread(R, W, finish_rows, &w);
}

typedef struct convert_work {
    const ww_numbers *out;
    const float *x;
    size_t W;
} convert_work;

VARIANTS
static void convert_rows(void *context, size_t first, size_t last, size_t worker) {
    const convert_work *w = context;
    (void)worker;
    for (size_t r = first; r < last; r++) put_row(w->out, r, w->W, w->x + r * w->W);
}

void ww_convert(const ww_numbers *out, const float *x, size_t R, size_t W) {
    convert_work w = {out, x, W};
    spread(R, W, convert_rows, &w);
}

VARIANTS
void ww_values(float *x, const ww_numbers *in, size_t R, size_t W) {
    for (size_t r = 0; r < R; r++)
        if (in->kind == WW_U8)
            for (size_t i = 0; i < W; i++)
                x[r * W + i] = in->rows[r].scale * ((float)((const uint8_t *)in->data)[r * W + i] - in->rows[r].zero);
        else
            get_row(x + r * W, in, r, W, 0, W);
}
