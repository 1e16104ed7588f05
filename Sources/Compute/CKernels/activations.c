#include <math.h>

#include "curves.h"
#include "parallel.h"
#include "row_blocks.h"
#include "rows.h"

// Below this many numbers, waking another core takes longer than the work.
enum { SMALL = 4096 };

static void spread(size_t R, size_t W, void (*body)(void *, size_t, size_t, size_t), void *context) {
    if (R * W < SMALL)
        body(context, 0, R, 0);
    else
        ww_parallel(R, body, context);
}

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

// Sixteen values of a row from their sums, through the curve.
INLINE void finish(vf *v, const int32_t *sums, const ww_columns *c, size_t i, float a, float b, ww_curve curve) {
    vi whole;
    vf scale, offset, bias;
    memcpy(&whole, sums + i, sizeof whole);
    load(&scale, c->scale + i);
    load(&offset, c->offset + i);
    load(&bias, c->bias + i);
    *v = __builtin_convertvector(whole, vf) * scale * a - offset * b + bias;
    follow(v, curve);
}

// Values take their sums' place on the way. The curve is known where this is inlined.
INLINE void finish_row(const ww_numbers *out, const ww_numbers *sums, size_t r, size_t W, ww_curve curve) {
    const size_t whole = W / LANES * LANES;
    const ww_columns *c = sums->columns;
    const float a = sums->rows[r].scale, b = a * sums->rows[r].zero;
    const int32_t *p = (const int32_t *)sums->data + r * W;
    float *row = (float *)sums->data + r * W;
    vf low = {0}, high = {0};
    for (size_t i = 0; i < whole; i += LANES) {
        vf v;
        finish(&v, p, c, i, a, b, curve);
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
        finish(&v, last, &columns, 0, a, b, curve);
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
    for (size_t r = first; r < last; r++) switch (w->curve) {
        case WW_LINE: finish_row(w->out, w->sums, r, w->W, WW_LINE); break;
        case WW_QUICK_GELU: finish_row(w->out, w->sums, r, w->W, WW_QUICK_GELU); break;
        case WW_GELU: finish_row(w->out, w->sums, r, w->W, WW_GELU); break;
        case WW_TANH_GELU: finish_row(w->out, w->sums, r, w->W, WW_TANH_GELU); break;
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
    row_run run;
    for (size_t start = first; start < last; start += run.count) {
        begin_run(&run, w->out, start, last, w->W);
        for (size_t r = 0; r < run.count; r++) put_row(&run.numbers, r, w->W, w->x + (start + r) * w->W);
        end_run(&run, w->out, start, w->W);
    }
}

void ww_convert(const ww_numbers *out, const float *x, size_t R, size_t W) {
    convert_work w = {out, x, W};
    spread(R, W, convert_rows, &w);
}

typedef struct requantise_work {
    const ww_numbers *out, *in;
    size_t W;
} requantise_work;

// A word of 32 bits holds two bfloat16: the upper half of a float32 each.
INLINE void halves(vf *even, vf *odd, const uint16_t *p) {
    vi words;
    memcpy(&words, p, sizeof words);
    *even = (vf)(words << 16);
    *odd = (vf)(words & (int32_t)0xFFFF0000);
}

// Row `r` of bytes from W bfloat16, a whole number of pairs of vectors, without a row of float32 between them.
INLINE void bytes_from_bf16(const ww_numbers *out, size_t r, size_t W, const uint16_t *x) {
    vf low = {0}, high = {0}, even, odd;
    for (size_t i = 0; i < W; i += 2 * LANES) {
        halves(&even, &odd, x + i);
        low = __builtin_elementwise_min(low, __builtin_elementwise_min(even, odd));
        high = __builtin_elementwise_max(high, __builtin_elementwise_max(even, odd));
    }
    const ww_quantiser by = quantiser(out, r, &low, &high);
    uint8_t *o = (uint8_t *)out->data + r * W;
    for (size_t i = 0; i < W; i += 2 * LANES) {
        vi left, right;
        halves(&even, &odd, x + i);
        quantise(&left, &even, by);
        quantise(&right, &odd, by);
        const vh pairs = __builtin_convertvector(left | right << 8, vh);
        memcpy(o + i, &pairs, sizeof pairs);
    }
}

VARIANTS
static void requantise_rows(void *context, size_t first, size_t last, size_t worker) {
    const requantise_work *w = context;
    (void)worker;
    const int direct = w->in->kind == WW_BF16 && w->out->kind == WW_U8 && w->W % (2 * LANES) == 0;
    float row[ROW];
    row_run run;
    for (size_t start = first; start < last; start += run.count) {
        begin_run(&run, w->out, start, last, w->W);
        for (size_t i = 0, r = start; i < run.count; i++, r++)
            if (direct) {
                bytes_from_bf16(&run.numbers, i, w->W, (const uint16_t *)w->in->data + r * w->W);
            } else if (w->in->kind == WW_F32) {
                put_row(&run.numbers, i, w->W, (const float *)w->in->data + r * w->W);
            } else {
                get_row(row, w->in, r, w->W, 0, w->W);
                put_row(&run.numbers, i, w->W, row);
            }
        end_run(&run, w->out, start, w->W);
    }
}

void ww_requantise(const ww_numbers *out, const ww_numbers *in, size_t R, size_t W) {
    requantise_work w = {out, in, W};
    spread(R, W, requantise_rows, &w);
}

// Number `i` of row `r`, where rows of W lie in blocks.
INLINE float blocked_value(const ww_numbers *in, size_t r, size_t i, size_t W) {
    const size_t R = in->blocked, block = block_of(R, r), group = in->kind == WW_U8 ? 4 : in->kind == WW_BF16 ? 2 : 1;
    const size_t start = block_start(R, block), height = block_start(R, block + 1) - start;
    const size_t place = start * W + (i / group * height + r - start) * group + i % group;
    if (in->kind == WW_F32) return ((const float *)in->data)[place];
    if (in->kind == WW_BF16) {
        const uint32_t bits = (uint32_t)((const uint16_t *)in->data)[place] << 16;
        float value;
        memcpy(&value, &bits, sizeof value);
        return value;
    }
    return in->rows[r].scale * ((float)((const uint8_t *)in->data)[place] - in->rows[r].zero);
}

VARIANTS
void ww_values(float *x, const ww_numbers *in, size_t R, size_t W) {
    for (size_t r = 0; r < R; r++)
        if (in->blocked)
            for (size_t i = 0; i < W; i++) x[r * W + i] = blocked_value(in, r, i, W);
        else if (in->kind == WW_U8)
            for (size_t i = 0; i < W; i++)
                x[r * W + i] = in->rows[r].scale * ((float)((const uint8_t *)in->data)[r * W + i] - in->rows[r].zero);
        else
            get_row(x + r * W, in, r, W, 0, W);
}
