/// Reads or writes one row of numbers of any type.
#ifndef WATCHWORD_ROW_NUMBERS_H
#define WATCHWORD_ROW_NUMBERS_H
#include "numbers.h"
#include "runtime/bfloat16.h"
#include "runtime/vectors.h"

/// The constants that turn a number x into a byte: x * step + shift, clamped to [0, max], the fraction dropped.
typedef struct ww_quantiser {
    float step, shift, max;
} ww_quantiser;

INLINE ww_quantiser quantiser(const ww_numbers *out, size_t r, const vf *low, const vf *high) {
    float bottom = 0, top = 0;
    for (int i = 0; i < LANES; i++) {
        bottom = (*low)[i] < bottom ? (*low)[i] : bottom;
        top = (*high)[i] > top ? (*high)[i] : top;
    }
    const float range = top - bottom, max = (float)out->top;
    const float scale = range > 0 ? range / max : 1, step = opaque(1 / scale);
    const float zero = (float)(int)(-bottom * step + 0.5f);
    out->rows[r] = (ww_row){scale, zero};
    // x * step + zero is in [-0.5, max + 0.5]: adding a half and dropping the fraction rounds it.
    return (ww_quantiser){step, zero + 0.5f, max};
}

INLINE void quantise(vi *out, const vf *x, ww_quantiser by) {
    vf v = *x * by.step + by.shift;
    clamp(&v, 0, by.max);
    *out = __builtin_convertvector(v, vi);
}

/// Quantises W floats to row `r` of bytes; `low` and `high` contain their minimum, their maximum and 0.
INLINE void put_bytes(const ww_numbers *out, size_t r, size_t W, const float *x, const vf *low, const vf *high) {
    const size_t whole = W / LANES * LANES;
    uint8_t *o = (uint8_t *)out->data + r * W;
    const ww_quantiser by = quantiser(out, r, low, high);
    for (size_t i = 0; i < whole; i += LANES) {
        vf v;
        vi bytes;
        load(&v, x + i);
        quantise(&bytes, &v, by);
        const vb narrow = __builtin_convertvector(bytes, vb);
        memcpy(o + i, &narrow, sizeof narrow);
    }
    for (size_t i = whole; i < W; i++) {
        const float v = x[i] * by.step + by.shift;
        o[i] = (uint8_t)(v > by.max ? by.max : v < 0 ? 0 : v);
    }
}

INLINE void copy(float *to, const float *from, size_t W) {
    const size_t whole = W / LANES * LANES;
    for (size_t i = 0; i < whole; i += LANES) {
        vf v;
        load(&v, from + i);
        store(to + i, &v);
    }
    for (size_t i = whole; i < W; i++) to[i] = from[i];
}

/// Writes W floats as row `r` of `out`, converted to its number type.
INLINE void put_row(const ww_numbers *out, size_t r, size_t W, const float *x) {
    const size_t whole = W / LANES * LANES;
    if (out->kind == WW_F32) {
        float *o = (float *)out->data + r * W;
        if (o != x) copy(o, x, W);
    } else if (out->kind == WW_BF16) {
        uint16_t *o = (uint16_t *)out->data + r * W;
        for (size_t i = 0; i < whole; i += LANES) {
            vf v;
            load(&v, x + i);
            store_bf16(o + i, &v);
        }
        for (size_t i = whole; i < W; i++) o[i] = bf16_from(x[i]);
    } else {
        vf low = {0}, high = {0};
        for (size_t i = 0; i < whole; i += LANES) {
            vf v;
            load(&v, x + i);
            low = __builtin_elementwise_min(v, low);
            high = __builtin_elementwise_max(v, high);
        }
        for (size_t i = whole; i < W; i++) {
            low[0] = x[i] < low[0] ? x[i] : low[0];
            high[0] = x[i] > high[0] ? x[i] : high[0];
        }
        put_bytes(out, r, W, x, &low, &high);
    }
}

/// Reads columns [at, at + W) of row `r` as floats; a row has `length` numbers.
INLINE void get_row(float *x, const ww_numbers *in, size_t r, size_t length, size_t at, size_t W) {
    const size_t whole = W / LANES * LANES;
    if (in->kind == WW_F32) {
        copy(x, (const float *)in->data + r * length + at, W);
    } else if (in->kind == WW_BF16) {
        const uint16_t *p = (const uint16_t *)in->data + r * length + at;
        for (size_t i = 0; i < whole; i += LANES) {
            vf v;
            load_bf16(&v, p + i);
            store(x + i, &v);
        }
        for (size_t i = whole; i < W; i++) x[i] = float_from(p[i]);
    } else {
        const int32_t *p = (const int32_t *)in->data + r * length + at;
        const float *scale = in->columns->scale + at, *offset = in->columns->offset + at,
                    *bias = in->columns->bias + at;
        const float a = in->rows[r].scale, b = a * in->rows[r].zero;
        for (size_t i = 0; i < W; i++) x[i] = a * ((float)p[i] * scale[i]) - b * offset[i] + bias[i];
    }
}
#endif
