/// Rows of a history: unit embeddings as two planes of bytes, and the scan of the high one. P = width, padded to 64.
///
/// A row is rotated as the score index's rows are (score_bytes.c), then value = scale * (high + low / 256), with high
/// from -127 to 127. The high plane alone misses a dot product with a unit vector by scale / sqrt(12) in the root mean
/// square, about 0.0003 at width 512; both planes together by 1/256 of that.
#ifndef WATCHWORD_HISTORY_ROWS_H
#define WATCHWORD_HISTORY_ROWS_H
#include <stddef.h>
#include <stdint.h>

#include "score_index.h"

enum {
    WW_HISTORY_ENTRIES = 1024,  ///< most entries of a block
    WW_HISTORY_VECTORS = 256,   ///< most rows of a block
    WW_HISTORY_DOTS = 512,      ///< rows that products have room for: of a block, and of sums of its entries
    WW_HISTORY_BINS = 4096,     ///< of scores from -1 to 1
    WW_HISTORY_TEXT = 63        ///< largest number of a text as bytes
};

/// Sum of bytes that tells whether they have changed. Every flip of up to 32 neighbouring bits changes it.
uint64_t ww_history_sum(const void *bytes, size_t count);

/// Whether a block's n entries and its rows can be: numbers finite, rows as many as the flags say, no row repeated
/// before there is one.
int ww_history_holds(const double *media, const double *wall, const float *values, const uint8_t *flags, size_t n,
                     const float *scales, const float *lengths, size_t rows);

/// Which windows a scan looks at.
typedef struct ww_history_span {
    uint32_t length;            ///< frames of a window
    double slot;                ///< seconds of a slot, of which the best window is kept
    double from, to;            ///< of a window's end, in the times that slots are cut by; to is not in it
    double wall_from, wall_to;  ///< the same in wall time
} ww_history_span;

/// How far a scan of a segment is; all zero at its beginning.
typedef struct ww_history_place {
    uint32_t ordinal;  ///< entries seen
    uint32_t since;    ///< entries with a row since the last break
    uint32_t slots;    ///< slots begun
    int64_t key;       ///< of the last
} ww_history_place;

/// Makes a block's n entries ready for its scan: of each its row or -1, the inverse norm of the window that it ends, 0
/// where there is none, and that window's slot. `firsts` has room for n slots more: the ordinal of each slot's first
/// entry. values: NULL where each entry is a window by itself. Returns how many windows end.
size_t ww_history_prepare(ww_history_place *place, const ww_history_span *span, const double *times, const double *wall,
                          const float *values, const uint8_t *flags, size_t n, int32_t *rows, float *inverse,
                          uint32_t *slots, uint32_t *firsts);

/// Writes x (width) as a unit row: high (P), low (P). `length` is what x's was. work (P) is scratch.
/// Returns 0, and writes a row of zeros, where x has no length or a number that is not finite.
int ww_history_pack(int8_t *high, int8_t *low, float *scale, float *length, const float *x, size_t width, double *work);

/// x (width) of its length from a row.
void ww_history_unpack(float *x, const int8_t *high, const int8_t *low, float scale, float length, size_t width,
                       double *work);

/// A unit text x (width) as bytes for the scan, value = step * q, and rotated for the exact score. q (P) is from
/// -WW_HISTORY_TEXT to WW_HISTORY_TEXT: coarser than a row, so that products of two may be summed in 16 bits.
/// offset: 128 times the sum of q.
void ww_history_text(int8_t *q, float *step, int32_t *offset, double *rotated, const float *x, size_t width);

/// What ww_history_text left of a rotated text (P), as another text: the sum of both products is nearly exact.
/// work (P) is scratch.
void ww_history_rest(int8_t *rest, float *rest_step, int32_t *rest_offset, const double *rotated, const int8_t *q,
                     float step, size_t P, double *work);

/// Texts for the scan. Arrays have room for count rounded up to four; what is beyond count is zero.
typedef struct ww_history_texts {
    size_t count;
    const int8_t *bytes;     ///< (count, P)
    const float *steps;      ///< (count)
    const int32_t *offsets;  ///< (count)
} ww_history_texts;

/// The dot product of a row and a rotated text (P), by both planes.
double ww_history_exact(const int8_t *high, const int8_t *low, float scale, const double *rotated, size_t P);

/// Dot products of `count` rows' high planes and the texts, eight texts at a time: out (B / 8, WW_HISTORY_DOTS, 8).
/// scan: which instructions; the caller asks ww_scan_available, or says WW_SCAN_BEST. Returns ww_history_sum of the
/// rows.
uint64_t ww_history_dots(float *out, const int8_t *high, size_t count, size_t P, const float *scales,
                         const ww_history_texts *texts, ww_scan scan);

/// The same of rows that are mapped from a file: 1, or 0 where one of their pages cannot be had.
int ww_history_mapped_dots(uint64_t *sum, float *out, const int8_t *high, size_t count, size_t P, const float *scales,
                           const ww_history_texts *texts);

/// Times that the calling thread found a page missing from its tables.
long ww_thread_faults(void);

/// Sums of each `size` entries' rows as rows: value = scale * sum. sums (n / size, P). rows (n): an entry's row, or -1.
/// Many texts cost less by these than by the rows themselves.
void ww_history_group(int8_t *sums, float *group_scales, const int8_t *high, const float *scales, const int32_t *rows,
                      size_t n, size_t size, size_t P);

/// Adds a row, by both planes, to a running sum (P) and writes it to `kept` (P), whose row before is subtracted.
/// Returns the norm of the sum.
double ww_history_push(double *sum, float *kept, const int8_t *high, const int8_t *low, float scale, size_t P);

/// Scores of the windows that end with a block's n entries: scores (B / 8, WW_HISTORY_ENTRIES, 8), NaN where none ends.
///
/// sums (B / 8, L + 1 + WW_HISTORY_ENTRIES, 8), zero at a segment's beginning: running sums of the products, eight
/// texts at a time. dots: as of ww_history_dots. rows (n): an entry's row, or -1. inverse (n): 1 / norm of the window's
/// sum, 0 where none ends.
void ww_history_scores(float *sums, size_t L, size_t B, const float *dots, const int32_t *rows, const float *inverse,
                       size_t n, float *scores);

/// Of the scores of a block's windows the best of each slot, and how many there are of each score.
///
/// slots (n): row of `best` (., stride), stride a multiple of 8. counts (B, WW_HISTORY_BINS).
void ww_history_best(const float *scores, size_t B, const float *inverse, const uint32_t *slots, size_t n, float *best,
                     size_t stride, uint32_t *counts);

/// The bin of a score.
size_t ww_history_bin(float score);
#endif
