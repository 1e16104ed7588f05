#include "attention.h"

#include <math.h>

#include "attention/attention_amx.h"
#include "linear/row_blocks.h"
#include "parallel.h"
#include "quantize/row_numbers.h"
#include "runtime/amx.h"
#include "runtime/sizes.h"

// MARK: Products

// Of 4 rows by one or two vectors of columns: eight sums of one AVX-512 register each, enough to hide an addition's
// time.
enum { TILE_ROWS = 4 };

// The first factor of a product, as it lies: element (row, k) is a[row * row_stride + k * step].
typedef struct factor {
    const float *a;
    size_t row_stride, step;
} factor;

INLINE void multiply_tile(float *out, size_t out_stride, factor f, size_t r, size_t rows, const float *b,
                          size_t b_stride, size_t K, const float *scale, const int both) {
    vf s[TILE_ROWS] = {{0}}, t[TILE_ROWS] = {{0}};
    const float *a[TILE_ROWS];
    // Beyond the last row, it once more: what is there may not be memory.
    for (size_t i = 0; i < TILE_ROWS; i++) a[i] = f.a + (r + i < rows ? r + i : rows - 1) * f.row_stride;
    for (size_t k = 0; k < K; k++) {
        vf left, right = {0};
        load(&left, b + k * b_stride);
        if (both) load(&right, b + k * b_stride + LANES);
        for (int i = 0; i < TILE_ROWS; i++) {
            s[i] += left * a[i][k * f.step];
            if (both) t[i] += right * a[i][k * f.step];
        }
    }
    for (int i = 0; i < TILE_ROWS; i++) {
        float *o = out + (r + (size_t)i) * out_stride;
        if (scale) s[i] *= scale[r + (size_t)i], t[i] *= scale[r + (size_t)i];
        store(o, &s[i]);
        if (both) store(o + LANES, &t[i]);
    }
}

// out (rows, columns) = a (rows, K) · b (K, columns), each row by its `scale`, if there is one; columns whole vectors,
// and room in `out` and `scale` for whole tiles of rows.
INLINE void multiply(float *out, size_t out_stride, factor a, const float *b, size_t b_stride, size_t rows, size_t K,
                     size_t columns, const float *scale) {
    for (size_t r = 0; r < rows; r += TILE_ROWS) {
        size_t c = 0;
        for (; c + 2 * LANES <= columns; c += 2 * LANES)
            multiply_tile(out + c, out_stride, a, r, rows, b + c, b_stride, K, scale, 1);
        if (c < columns) multiply_tile(out + c, out_stride, a, r, rows, b + c, b_stride, K, scale, 0);
    }
}

// MARK: One head

// Of sixteen queries from `query` on, `hidden` where the query comes before `key`.
INLINE void hide(vf *v, size_t query, size_t key, float hidden) {
    const vi lane = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    const vi seen = lane + (int32_t)query >= (int32_t)key;
    *v = (vf)((seen & (vi)*v) | (~seen & (vi)((vf){0} + hidden)));
}

// e^(scores - their greatest) over the first axis of `scores` (keys, stride), in place, for `side` vectors of queries
// from `q` on; `scales` (queries): 1 / their sums. With `causal`, key t is seen by the queries from t - first on.
INLINE void exponentials(float *scores, float *scales, size_t keys, size_t stride, size_t q, const int causal,
                         size_t first, const int side) {
    vf most[4], total[4];
    for (int i = 0; i < side; i++) most[i] = (vf){0} - INFINITY, total[i] = (vf){0};
    for (size_t t = 0; t < keys; t++)
        for (int i = 0; i < side; i++) {
            vf v;
            load(&v, scores + t * stride + q + i * LANES);
            if (causal) hide(&v, first + q + (size_t)i * LANES, t, -INFINITY);
            most[i] = __builtin_elementwise_max(most[i], v);
        }
    for (size_t t = 0; t < keys; t++)
        for (int i = 0; i < side; i++) {
            float *at = scores + t * stride + q + i * LANES;
            vf v;
            load(&v, at);
            v = v - most[i];
            exponential(&v);
            if (causal) hide(&v, first + q + (size_t)i * LANES, t, 0);
            store(at, &v);
            total[i] += v;
        }
    for (int i = 0; i < side; i++) {
        total[i] = 1.0f / total[i];
        store(scales + q + i * LANES, &total[i]);
    }
}

// For all queries, a whole number of vectors: as many at a time as hide a maximum's time.
INLINE void softmax(float *scores, float *scales, size_t keys, size_t queries, const int causal, size_t first) {
    size_t q = 0;
    for (; q + 4 * LANES <= queries; q += 4 * LANES) exponentials(scores, scales, keys, queries, q, causal, first, 4);
    for (; q < queries; q += LANES) exponentials(scores, scales, keys, queries, q, causal, first, 1);
}

// What a worker has for one head at a time, in floats. Queries and what belongs to them lie side by side, so that
// softmax needs no sum across a vector.
typedef struct head_memory {
    float *queries, *keys, *values;  // (CP, TP), (T, C), (T, CP)
    float *scores, *scales, *out;    // (TP, TP), (TP), (TP, CP)
} head_memory;

// How many floats that is; and where each of it lies in them.
static size_t head_floats(size_t T, size_t C, char *base, head_memory *m) {
    const size_t TP = rounded_up(T, LANES), CP = rounded_up(C, LANES);
    size_t used = 0;
    const size_t sizes[] = {CP * TP, rounded_up(T * C, LANES), T * CP, TP * TP, TP, TP * CP};
    float *places[6];
    for (int i = 0; i < 6; i++) {
        places[i] = (float *)base + used;
        used += sizes[i];
    }
    if (m) *m = (head_memory){places[0], places[1], places[2], places[3], places[4], places[5]};
    return used;
}

// Sixteen tokens by sixteen columns at a time, scaled, transposed.
INLINE void transpose_queries(float *out, size_t stride, const ww_numbers *qkv, size_t base, size_t count, size_t W,
                              size_t at, size_t C, float scale) {
    enum { SPAN = 128 };
    float copies[LANES][SPAN];
    for (size_t q = 0; q < count; q += LANES)
        for (size_t c0 = 0; c0 < C; c0 += SPAN) {
            const size_t width = C - c0 < SPAN ? C - c0 : SPAN;
            const float *rows[LANES];
            for (size_t i = 0; i < LANES; i++) {
                const size_t row = base + (q + i < count ? q + i : count - 1);
                if (qkv->kind == WW_F32 && width % LANES == 0) {
                    rows[i] = (const float *)qkv->data + row * 3 * W + at + c0;
                } else {
                    memset(copies[i] + width / LANES * LANES, 0, width % LANES ? LANES * sizeof(float) : 0);
                    get_row(copies[i], qkv, row, 3 * W, at + c0, width);
                    rows[i] = copies[i];
                }
            }
            for (size_t c = 0; c < width; c += LANES) {
                vf m[LANES];
                for (size_t i = 0; i < LANES; i++) {
                    load(&m[i], rows[i] + c);
                    m[i] *= scale;
                }
                transpose(m);
                for (size_t i = 0; i < LANES; i++) store(out + (c0 + c + i) * stride + q, &m[i]);
            }
        }
}

// Queries [first, last) of head `h` of the sequence whose first row is `base`: columns h * C to (h + 1) * C of
// `joined`.
INLINE void head(float *joined, const ww_numbers *qkv, size_t base, size_t first, size_t last, size_t h, size_t length,
                 const ww_attention_shape *s, const head_memory *m, const size_t C) {
    const size_t W = s->W, CP = rounded_up(C, LANES), count = last - first, queries = rounded_up(count, LANES);
    transpose_queries(m->queries, queries, qkv, base + first, count, W, h * C, C, 1.0f / sqrtf((float)C));
    factor keys = {(const float *)qkv->data + base * 3 * W + W + h * C, 3 * W, 1};
    if (qkv->kind != WW_F32) {
        for (size_t t = 0; t < length; t++) get_row(m->keys + t * C, qkv, base + t, 3 * W, W + h * C, C);
        keys = (factor){m->keys, C, 1};
    }
    // Values are read many times: near each other.
    for (size_t t = 0; t < length; t++) {
        get_row(m->values + t * CP, qkv, base + t, 3 * W, 2 * W + h * C, C);
        for (size_t c = C; c < CP; c++) m->values[t * CP + c] = 0;
    }
    multiply(m->scores, queries, keys, m->queries, queries, length, C, queries, NULL);
    if (s->causal)
        softmax(m->scores, m->scales, length, queries, 1, first);
    else
        softmax(m->scores, m->scales, length, queries, 0, 0);
    const factor weights = {m->scores, 1, queries};
    if (C == CP) {
        multiply(joined + h * C, W, weights, m->values, CP, count, length, CP, m->scales);
    } else {
        multiply(m->out, CP, weights, m->values, CP, count, length, CP, m->scales);
        for (size_t t = 0; t < count; t++) memcpy(joined + t * W + h * C, m->out + t * CP, C * sizeof(float));
    }
}

VARIANTS
static void plain_head(float *joined, const ww_numbers *qkv, size_t base, size_t first, size_t last, size_t h,
                       size_t length, const ww_attention_shape *s, const head_memory *m) {
    const size_t C = s->W / s->H;
    if (C == 64)
        head(joined, qkv, base, first, last, h, length, s, m, 64);
    else
        head(joined, qkv, base, first, last, h, length, s, m, C);
}

// MARK: All heads

typedef struct attention_work {
    const ww_numbers *out, *qkv;
    const ww_attention_shape *shape;
    char *scratch;
    size_t per_worker, parts, part_rows;
    int tiles;
} attention_work;

// How the queries of a sequence are cut, so that few sequences feed all workers.
static size_t parts_of(const ww_attention_shape *s) {
    const size_t workers = ww_workers();
    if (s->rows || s->B >= workers) return 1;
    const size_t most = rounded_up(s->T, TILE_ROWS * 4) / (TILE_ROWS * 4), wanted = (workers + s->B - 1) / s->B;
    return wanted < most ? wanted : most;
}

static size_t worker_bytes(const ww_attention_shape *s) {
    const size_t tiles =
        rounded_up(rounded_up(s->T, 16) * s->W * sizeof(float), 64) + attention_amx_scratch(s->T, s->W / s->H);
    const size_t plain = (rounded_up(s->T, 16) * s->W + head_floats(s->T, s->W / s->H, NULL, NULL)) * sizeof(float);
    return rounded_up((tiles > plain ? tiles : plain) + 64, 64);
}

size_t ww_attention_scratch(const ww_attention_shape *shape) { return worker_bytes(shape) * ww_workers(); }

VARIANTS
static void put_rows(const ww_numbers *out, size_t row, const float *joined, size_t count, size_t W) {
    row_run run;
    for (size_t start = 0; start < count; start += run.count) {
        begin_run(&run, out, row + start, row + count, W);
        for (size_t t = 0; t < run.count; t++) put_row(&run.numbers, t, W, joined + (start + t) * W);
        end_run(&run, out, row + start, W);
    }
}

static void attend(void *context, size_t begin, size_t end, size_t worker) {
    const attention_work *w = context;
    const ww_attention_shape *s = w->shape;
    float *joined = (float *)(w->scratch + worker * w->per_worker);
    char *rest = (char *)joined + rounded_up(rounded_up(s->T, 16) * s->W * sizeof(float), 64);
    head_memory memory;
    head_floats(s->T, s->W / s->H, rest, &memory);
    if (w->tiles) amx_begin();
    for (size_t item = begin; item < end; item++) {
        const size_t b = item / w->parts, part = item % w->parts;
        const size_t length = s->lengths ? (size_t)s->lengths[b] : s->T;
        const size_t first = s->rows ? (size_t)s->rows[b] : part * w->part_rows;
        size_t last = s->rows ? first + 1 : first + w->part_rows;
        if (last > s->T) last = s->T;
        if (first >= last) continue;
        for (size_t h = 0; h < s->H; h++)
            if (w->tiles)
                attention_amx_head(joined, w->qkv, b * s->T, first, last, h, length, s, rest);
            else
                plain_head(joined, w->qkv, b * s->T, first, last, h, length, s, &memory);
        put_rows(w->out, s->rows ? b : b * s->T + first, joined, last - first, s->W);
    }
    if (w->tiles) amx_end();
}

void ww_attention(const ww_numbers *out, const ww_numbers *qkv, void *scratch, const ww_attention_shape *s) {
    attention_work w = {out, qkv, s, scratch, worker_bytes(s), parts_of(s), 0, 0};
    w.part_rows = rounded_up((s->T + w.parts - 1) / w.parts, w.parts > 1 ? 16 : 1);
    w.tiles = qkv->kind != WW_F32 && s->W / s->H == 64 && amx_available();
    ww_parallel(s->B * w.parts, attend, &w);
}
