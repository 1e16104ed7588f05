#include "patches.h"

#include "linear/row_blocks.h"
#include "parallel.h"
#include "quantize/row_numbers.h"

typedef struct patch_work {
    const ww_numbers *out;
    const uint8_t *const *pictures;
    const float *planes;
    float table[3][256];
    size_t R, P, nested;
} patch_work;

// Patches of a picture: with `nested`, squares of 2^nested by 2^nested of them follow each other whole.
INLINE size_t patches_of(size_t R, size_t P, size_t nested) {
    const size_t g = R / (P << nested);
    return (g * g) << 2 * nested;
}

// The row and the column of a patch. Within a square, its four quarters follow each other, and so on down.
INLINE void place_of(const patch_work *w, size_t number, size_t *row, size_t *column) {
    const size_t n = w->nested, g = w->R / (w->P << n), square = number >> 2 * n;
    *row = square / g << n;
    *column = square % g << n;
    for (size_t level = 0; level < n; level++) {
        *row |= (number >> (2 * level + 1) & 1) << level;
        *column |= (number >> 2 * level & 1) << level;
    }
}

// Patch `number` of all pictures', as row `r` of `out`; `own` holds it on the way to other numbers.
INLINE void cut_patch(const patch_work *w, const ww_numbers *out, size_t r, size_t number, float *own) {
    const size_t R = w->R, P = w->P, W = 3 * P * P, count = patches_of(R, P, w->nested);
    float *patch = out->kind == WW_F32 ? (float *)out->data + r * W : own;
    const size_t picture = number / count;
    size_t top, left;
    place_of(w, number % count, &top, &left);
    top *= P;
    left *= P;
    if (w->planes) {
        for (size_t c = 0; c < 3; c++)
            for (size_t y = 0; y < P; y++)
                memcpy(patch + (c * P + y) * P, w->planes + ((picture * 3 + c) * R + top + y) * R + left,
                       P * sizeof *patch);
    } else if (w->pictures[picture]) {
        for (size_t y = 0; y < P; y++) {
            const uint8_t *line = w->pictures[picture] + ((top + y) * R + left) * 3;
            for (size_t c = 0; c < 3; c++)
                for (size_t x = 0; x < P; x++) patch[(c * P + y) * P + x] = w->table[c][line[x * 3 + c]];
        }
    } else {
        memset(patch, 0, W * sizeof *patch);
    }
    put_row(out, r, W, patch);
}

// Patches [first, last) of all pictures: rows of `out`.
VARIANTS
static void cut_patches(void *context, size_t first, size_t last, size_t worker) {
    const patch_work *w = context;
    const size_t W = 3 * w->P * w->P;
    (void)worker;
    float own[WW_LONGEST_ROW];
    row_run run;
    for (size_t start = first; start < last; start += run.count) {
        begin_run(&run, w->out, start, last, W);
        for (size_t r = 0; r < run.count; r++) cut_patch(w, &run.numbers, r, start + r, own);
        end_run(&run, w->out, start, W);
    }
}

void ww_cut_bytes(const ww_numbers *out, const uint8_t *const *pictures, const float mean[3], const float std[3],
                  size_t B, size_t R, size_t P, size_t nested) {
    patch_work w = {.out = out, .pictures = pictures, .R = R, .P = P, .nested = nested};
    // A byte has 256 values: CLIP4Clip's three roundings are done once for each.
    for (int c = 0; c < 3; c++)
        for (int v = 0; v < 256; v++) {
            const float unit = (float)v / 255.0f;
            const float centred = unit - mean[c];
            w.table[c][v] = centred / std[c];
        }
    ww_parallel(B * patches_of(R, P, nested), cut_patches, &w);
}

void ww_cut_planes(const ww_numbers *out, const float *planes, size_t B, size_t R, size_t P, size_t nested) {
    patch_work w = {.out = out, .planes = planes, .R = R, .P = P, .nested = nested};
    ww_parallel(B * patches_of(R, P, nested), cut_patches, &w);
}

typedef struct token_work {
    float *out;
    const float *first, *rest, *positions;
    size_t T, W;
} token_work;

VARIANTS
static void place_tokens(void *context, size_t first, size_t last, size_t worker) {
    const token_work *w = context;
    (void)worker;
    for (size_t r = first; r < last; r++) {
        const size_t b = r / w->T, t = r % w->T;
        const size_t head = w->first ? 1 : 0;
        const float *in = t < head ? w->first : w->rest + (b * (w->T - head) + t - head) * w->W;
        const float *at = w->positions + t * w->W;
        float *out = w->out + r * w->W;
        for (size_t i = 0; i < w->W; i++) out[i] = in[i] + at[i];
    }
}

void ww_place_tokens(float *out, const float *first, const float *rest, const float *positions, size_t B, size_t T,
                     size_t W) {
    token_work w = {out, first, rest, positions, T, W};
    ww_parallel(B * T, place_tokens, &w);
}
