/// Turns sums into values, and fixes the order of a product. Each unit includes this file and defines
/// - `VECTORS`: the instructions of its functions,
/// - `SUMS_OF(kind)`: its function that sums rows of a kind,
/// - `round_panel(to, from)`: 32 float32 to bfloat16.
#include "linear/panel_work.h"

// MARK: Values

// out (rows, stride): of the rows from `m` on, and of the panel whose first output is `n`, from their sums.
VECTORS INLINE void deliver(float *out, size_t stride, const panel_means *by, const char *sums, size_t m, size_t rows,
                            size_t n, int bytes, ww_activation activation, int add) {
    for (size_t r = 0; r < rows; r++)
        for (size_t i = 0; i < PANEL; i += LANES) {
            float *at = out + r * stride + i;
            vf v, old;
            panel_values(&v, by, m + r, n + i, sums + r * ROW_SUMS + i * 4, bytes, activation);
            if (add) load(&old, at), v += old;
            store(at, &v);
        }
}

VECTORS INLINE void deliver_kind(const product_work *w, float *out, size_t stride, const panel_means *by,
                                 const char *sums, size_t m, size_t rows, size_t n, int bytes) {
    if (w->add)
        deliver(out, stride, by, sums, m, rows, n, bytes, WW_ACTIVATION_NONE, 1);
    else if (w->activation == WW_ACTIVATION_NONE)
        deliver(out, stride, by, sums, m, rows, n, bytes, WW_ACTIVATION_NONE, 0);
    else if (w->activation == WW_ACTIVATION_QUICK_GELU)
        deliver(out, stride, by, sums, m, rows, n, bytes, WW_ACTIVATION_QUICK_GELU, 0);
    else if (w->activation == WW_ACTIVATION_GELU)
        deliver(out, stride, by, sums, m, rows, n, bytes, WW_ACTIVATION_GELU, 0);
    else
        deliver(out, stride, by, sums, m, rows, n, bytes, WW_ACTIVATION_TANH_GELU, 0);
}

// Words of 32 bits that a row's values of a panel take.
INLINE size_t panel_words(const ww_numbers *out) { return out->kind == WW_BF16 ? PANEL / 2 : PANEL; }

// Of a block of rows: where they lie one after the other, or as a part of the next product's block.
VECTORS static void deliver_block(const product_work *w, const panel_means *by, const char *sums, size_t m, size_t rows,
                                  size_t n) {
    _Alignas(64) float values[BLOCK_ROWS * PANEL];
    const size_t N = w->layer->N;
    const int direct = !w->out->blocked && w->out->kind == WW_F32;
    float *out = direct ? (float *)w->out->data + m * N + n : values;
    if (w->layer->input == WW_U8)
        deliver_kind(w, out, direct ? N : PANEL, by, sums, m, rows, n, 1);
    else
        deliver_kind(w, out, direct ? N : PANEL, by, sums, m, rows, n, 0);
    if (direct) return;
    const size_t width = panel_words(w->out);
    if (w->out->kind == WW_BF16)  // each row's to a place that has been read
        for (size_t r = 0; r < rows; r++) round_panel(values + r * width, values + r * PANEL);
    float *data = w->out->data;
    const size_t words = N / PANEL * width, first = n / PANEL * width;
    if (w->out->blocked)
        put_in_block(data, w->M, m, rows, words, first, width, values);
    else
        for (size_t r = 0; r < rows; r++)
            memcpy(data + (m + r) * words + first, values + r * width, width * sizeof(float));
}

// MARK: The product

// Panels [first, last) of outputs for blocks [from, to) of rows. Weights are fetched while those before them multiply,
// up to panel `end`.
VECTORS static void multiply(const product_work *w, size_t first, size_t last, size_t end, size_t from, size_t to) {
    const ww_panels *layer = w->layer;
    const panel_means by = panel_means_of(layer, w->x);
    const size_t stride = layer->K * panel_bytes_of(layer->input), steps = stride / STEP, size = steps * 2 * TILE;
    const size_t cuts = (steps + CUT - 1) / CUT;
    const size_t start = block_start(w->M, from), rows = block_start(w->M, to) - start,
                 group = SUMS / (rows * ROW_SUMS);
    const char *packed = layer->packed;
    const float *out = w->out->data;
    const size_t width = panel_words(w->out), words = layer->N / PANEL * width;
    _Alignas(64) char sums[SUMS];
    for (size_t p = first; p < last; p += group) {
        const size_t until = p + group < last ? p + group : last;
        for (size_t c = 0; c < cuts; c++) {
            const size_t step = steps * c / cuts, count = steps * (c + 1) / cuts - step;
            for (size_t q = p; q < until; q++) {
                // The same cut of the next panel; the next cut of the group's first; the first of the next group's.
                const char *next = q + 1 < until  ? packed + (q + 1) * size + step * 2 * TILE
                                   : c + 1 < cuts ? packed + p * size + (step + count) * 2 * TILE
                                                  : packed + until * size;
                ahead f = {.weights = next, .end = next + count * 2 * TILE, .stride = w->out->blocked ? width : words};
                if (f.end > packed + end * size) f.end = packed + end * size;
                f.lines = (2 * TILE / 64 + to - from - 1) / (to - from);
                for (size_t block = from, m = start, height; block < to; block++, m += height) {
                    height = block_start(w->M, block + 1) - m;
                    const char *a = w->rows + m * stride + step * STEP * height;
                    char *at = sums + ((q - p) * rows + m - start) * ROW_SUMS;
                    f.cold = block == from;
                    f.rows = q + 1 == until && c + 1 < cuts ? a + count * STEP * height : NULL;
                    f.out = c + 1 < cuts ? NULL : out + m * words + q * width * (w->out->blocked ? height : 1);
                    SUMS_OF(layer->input)(at, a, packed + q * size + step * 2 * TILE, count, c == 0, &f, height);
                    if (f.out) deliver_block(w, &by, at, m, height, q * PANEL);
                }
            }
        }
    }
}

VECTORS static void panels(void *context, size_t first, size_t last, size_t worker) {
    const product_work *w = context;
    // The worker's own part, cut as the pool cuts it; a piece of another's part may be followed by anything.
    const size_t stop = w->layer->N / PANEL * (worker + 1) / ww_workers(), all = blocks_of(w->M);
    const size_t chunks = (w->M + CHUNK - 1) / CHUNK;
    for (size_t i = 0; i < chunks; i++)
        multiply(w, first, last, last <= stop ? stop : last, all * i / chunks, all * (i + 1) / chunks);
}
