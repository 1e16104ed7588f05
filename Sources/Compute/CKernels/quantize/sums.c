#include "linear/activation_functions.h"
#include "quantize/row_numbers.h"
#include "runtime/spread.h"

typedef struct sums_work {
    const ww_numbers *out, *sums;
    float *x;
    ww_activation activation;
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
    sums_work w = {NULL, sums, x, WW_ACTIVATION_NONE, W};
    spread(R, W, add_rows, &w);
}

// Sixteen values of a row from their sums, through the activation.
INLINE void finish(vf *v, const int32_t *sums, const ww_columns *c, size_t i, float a, float b,
                   ww_activation activation) {
    vi whole;
    vf scale, offset, bias;
    memcpy(&whole, sums + i, sizeof whole);
    load(&scale, c->scale + i);
    load(&offset, c->offset + i);
    load(&bias, c->bias + i);
    *v = __builtin_convertvector(whole, vf) * scale * a - offset * b + bias;
    activate(v, activation);
}

// Values take their sums' place on the way. The activation is known where this is inlined.
INLINE void finish_row(const ww_numbers *out, const ww_numbers *sums, size_t r, size_t W, ww_activation activation) {
    const size_t whole = W / LANES * LANES;
    const ww_columns *c = sums->columns;
    const float a = sums->rows[r].scale, b = a * sums->rows[r].zero;
    const int32_t *p = (const int32_t *)sums->data + r * W;
    float *row = (float *)sums->data + r * W;
    vf low = {0}, high = {0};
    for (size_t i = 0; i < whole; i += LANES) {
        vf v;
        finish(&v, p, c, i, a, b, activation);
        store(row + i, &v);
        low = __builtin_elementwise_min(low, v);
        high = __builtin_elementwise_max(high, v);
    }
    if (whole < W) {  // once more the last sixteen, by way of copies
        int32_t last[LANES] = {0};
        float scale[LANES] = {0}, offset[LANES] = {0}, bias[LANES] = {0};
        const size_t rest = (W - whole) * sizeof(float);
        memcpy(last, p + whole, rest);
        memcpy(scale, c->scale + whole, rest);
        memcpy(offset, c->offset + whole, rest);
        memcpy(bias, c->bias + whole, rest);
        const ww_columns columns = {scale, offset, bias};
        vf v;
        finish(&v, last, &columns, 0, a, b, activation);
        low = __builtin_elementwise_min(low, v);
        high = __builtin_elementwise_max(high, v);
        memcpy(row + whole, &v, rest);
    }
    if (out->kind == WW_U8)
        put_bytes(out, r, W, row, &low, &high);
    else
        put_row(out, r, W, row);
}

VARIANTS
static void finish_rows(void *context, size_t first, size_t last, size_t worker) {
    const sums_work *w = context;
    (void)worker;
    for (size_t r = first; r < last; r++) switch (w->activation) {
        case WW_ACTIVATION_NONE: finish_row(w->out, w->sums, r, w->W, WW_ACTIVATION_NONE); break;
        case WW_ACTIVATION_QUICK_GELU: finish_row(w->out, w->sums, r, w->W, WW_ACTIVATION_QUICK_GELU); break;
        case WW_ACTIVATION_GELU: finish_row(w->out, w->sums, r, w->W, WW_ACTIVATION_GELU); break;
        case WW_ACTIVATION_TANH_GELU: finish_row(w->out, w->sums, r, w->W, WW_ACTIVATION_TANH_GELU); break;
        }
}

void ww_finish_sums(const ww_numbers *out, const ww_numbers *sums, ww_activation activation, size_t R, size_t W) {
    sums_work w = {out, sums, NULL, activation, W};
    spread(R, W, finish_rows, &w);
}
