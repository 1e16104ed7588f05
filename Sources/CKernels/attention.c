#include "attention.h"

#include <math.h>

#include "parallel.h"
#include "rows.h"
#include "tiles.h"

// Products here are of 4 rows by 32 columns: eight sums of one AVX-512 register each, enough to hide an addition's time.
enum { TILE_ROWS = 4, TILE_COLUMNS = 32 };

static size_t padded(size_t n, size_t to) { return (n + to - 1) / to * to; }

// out (rows, columns) = a (rows, K) · b (K, columns); rows and columns whole tiles.
INLINE void multiply(float *out, size_t out_stride, const float *a, size_t a_stride, const float *b, size_t b_stride,
                     size_t rows, size_t K, size_t columns) {
    for (size_t r = 0; r < rows; r += TILE_ROWS)
        for (size_t c = 0; c < columns; c += TILE_COLUMNS) {
            vf s0 = {0}, s1 = {0}, s2 = {0}, s3 = {0}, t0 = {0}, t1 = {0}, t2 = {0}, t3 = {0};
            const float *a0 = a + r * a_stride, *a1 = a0 + a_stride, *a2 = a1 + a_stride, *a3 = a2 + a_stride;
            for (size_t k = 0; k < K; k++) {
                vf left, right;
                load(&left, b + k * b_stride + c);
                load(&right, b + k * b_stride + c + LANES);
                s0 += left * a0[k];
                t0 += right * a0[k];
                s1 += left * a1[k];
                t1 += right * a1[k];
                s2 += left * a2[k];
                t2 += right * a2[k];
                s3 += left * a3[k];
                t3 += right * a3[k];
            }
            float *o = out + r * out_stride + c;
            store(o, &s0), store(o + LANES, &t0), o += out_stride;
            store(o, &s1), store(o + LANES, &t1), o += out_stride;
            store(o, &s2), store(o + LANES, &t2), o += out_stride;
            store(o, &s3), store(o + LANES, &t3);
        }
}

// softmax over the first `n` of `row`, whose length is a whole number of vectors; the rest becomes 0.
INLINE void softmax(float *row, size_t n, size_t length) {
    for (size_t i = n; i < padded(n, LANES); i++) row[i] = -INFINITY;
    vf most;
    load(&most, row);
    for (size_t i = LANES; i < n; i += LANES) {
        vf v;
        load(&v, row + i);
        most = __builtin_elementwise_max(most, v);
    }
    float top = most[0];
    for (int i = 1; i < LANES; i++) top = most[i] > top ? most[i] : top;
    vf total = {0};
    for (size_t i = 0; i < n; i += LANES) {
        vf v;
        load(&v, row + i);
        v = v - top;
        exponential(&v);
        store(row + i, &v);
        total += v;
    }
    // What lies beyond n counted e^-87 at most: far below float32's last bit of a sum that has a 1 in it.
    const float scale = opaque(1.0f / sum_of(&total));
    for (size_t i = 0; i < n; i++) row[i] *= scale;
    for (size_t i = n; i < length; i++) row[i] = 0;
}

typedef struct attention_work {
    const ww_numbers *out, *qkv;
    const ww_attention_shape *shape;
    char *scratch;
    size_t per_worker, blocks, block_rows;
    int tiles;
} attention_work;

// How the queries of a sequence are cut, so that few sequences feed all workers.
static size_t blocks_of(const ww_attention_shape *s) {
    const size_t workers = ww_workers();
    if (s->rows || s->B >= workers) return 1;
    const size_t most = padded(s->T, TILE_ROWS * 4) / (TILE_ROWS * 4), wanted = (workers + s->B - 1) / s->B;
    return wanted < most ? wanted : most;
}

static size_t floats_of(const ww_attention_shape *s) {
    const size_t C = s->W / s->H, CP = padded(C, TILE_COLUMNS), TP = padded(s->T, TILE_COLUMNS);
    const size_t queries = padded(s->T, 16);
    return queries * s->W + queries * CP * 2 + CP * TP + TP * CP + queries * TP;
}

static size_t worker_bytes(const ww_attention_shape *s) {
    const size_t tiles = padded(padded(s->T, 16) * s->W * sizeof(float), 64) + tiles_scratch(s->T, s->W / s->H);
    const size_t plain = floats_of(s) * sizeof(float);
    return padded((tiles > plain ? tiles : plain) + 64, 64);
}

size_t ww_attention_scratch(const ww_attention_shape *shape) { return worker_bytes(shape) * ww_workers(); }

VARIANTS
static void plain_head(float *block, const ww_numbers *qkv, size_t base, size_t first, size_t last, size_t h,
                       size_t length, const ww_attention_shape *s, float *scratch) {
    const size_t W = s->W, C = W / s->H, CP = padded(C, TILE_COLUMNS), TP = padded(s->T, TILE_COLUMNS);
    const size_t count = last - first, queries = padded(count, TILE_ROWS);
    float *q = scratch, *o = q + padded(s->T, 16) * CP, *keys = o + padded(s->T, 16) * CP;  // keys (CP, TP): transposed
    float *values = keys + CP * TP, *scores = values + TP * CP;
    const float scale = 1.0f / sqrtf((float)C);
    memset(q, 0, queries * CP * sizeof *q);
    for (size_t t = 0; t < count; t++) {
        get_row(q + t * CP, qkv, base + first + t, 3 * W, h * C, C);
        for (size_t c = 0; c < C; c++) q[t * CP + c] *= scale;
    }
    // Keys are transposed, sixteen tokens by sixteen columns at a time.
    const size_t tokens = padded(length, LANES);
    float run[LANES][128] = {0};
    for (size_t t = 0; t < tokens; t += LANES)
        for (size_t c0 = 0; c0 < C; c0 += 128) {
            const size_t width = C - c0 < 128 ? C - c0 : 128;
            for (size_t i = 0; i < LANES; i++)
                if (t + i < length)
                    get_row(run[i], qkv, base + t + i, 3 * W, W + h * C + c0, width);
                else
                    memset(run[i], 0, width * sizeof(float));
            for (size_t c = 0; c < width; c += LANES) {
                vf key[LANES];
                for (size_t i = 0; i < LANES; i++) load(&key[i], run[i] + c);
                transpose(key);
                for (size_t i = 0; i < LANES; i++) store(keys + (c0 + c + i) * TP + t, &key[i]);
            }
        }
    for (size_t c = 0; c < C; c++) memset(keys + c * TP + tokens, 0, (TP - tokens) * sizeof *keys);
    for (size_t t = 0; t < length; t++) {
        get_row(values + t * CP, qkv, base + t, 3 * W, 2 * W + h * C, C);
        memset(values + t * CP + C, 0, (CP - C) * sizeof *values);
    }
    multiply(scores, TP, q, CP, keys, TP, queries, C, TP);
    for (size_t t = 0; t < count; t++) {
        const size_t seen = s->causal && first + t + 1 < length ? first + t + 1 : length;
        softmax(scores + t * TP, seen, TP);
    }
    multiply(o, CP, scores, TP, values, CP, queries, length, CP);
    for (size_t t = 0; t < count; t++) memcpy(block + t * W + h * C, o + t * CP, C * sizeof *o);
}

VARIANTS
static void put_block(const ww_numbers *out, size_t row, const float *block, size_t count, size_t W) {
    for (size_t t = 0; t < count; t++) put_row(out, row + t, W, block + t * W);
}

static void attend(void *context, size_t begin, size_t end, size_t worker) {
    const attention_work *w = context;
    const ww_attention_shape *s = w->shape;
    float *block = (float *)(w->scratch + worker * w->per_worker);
    char *rest = (char *)block + padded(padded(s->T, 16) * s->W * sizeof(float), 64);
    if (w->tiles) tiles_begin();
    for (size_t item = begin; item < end; item++) {
        const size_t b = item / w->blocks, part = item % w->blocks;
        const size_t length = s->lengths ? (size_t)s->lengths[b] : s->T;
        const size_t first = s->rows ? (size_t)s->rows[b] : part * w->block_rows;
        size_t last = s->rows ? first + 1 : first + w->block_rows;
        if (last > s->T) last = s->T;
        if (first >= last) continue;
        for (size_t h = 0; h < s->H; h++)
            if (w->tiles)
                tiles_head(block, w->qkv, b * s->T, first, last, h, length, s, rest);
            else
                plain_head(block, w->qkv, b * s->T, first, last, h, length, s, (float *)rest);
        put_block(w->out, s->rows ? b : b * s->T + first, block, last - first, s->W);
    }
    if (w->tiles) tiles_end();
}

void ww_attention(const ww_numbers *out, const ww_numbers *qkv, void *scratch, const ww_attention_shape *s) {
    attention_work w = {out, qkv, s, scratch, worker_bytes(s), blocks_of(s), 0, 0};
    w.block_rows = padded((s->T + w.blocks - 1) / w.blocks, w.blocks > 1 ? 16 : 1);
    w.tiles = qkv->kind != WW_F32 && s->W / s->H == 64 && tiles_available();
    ww_parallel(s->B * w.blocks, attend, &w);
}
