#include "linear/row_blocks.h"
#include "quantize/row_numbers.h"
#include "runtime/spread.h"

// The longest row that a worker keeps on its stack.
enum { ROW = WW_LONGEST_ROW };

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
    if (in->kind == WW_BF16) return float_from(((const uint16_t *)in->data)[place]);
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
