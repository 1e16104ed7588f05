/// The storage of embeddings in the history (the file of past frames) and the search in it. P = width, padded to 64.
///
/// A row is a unit embedding in two planes of bytes: value = scale * (high + low / 256), with high from -127 to 127.
/// Before that it is rotated like a row of the score index (score_bytes.c). The high plane alone gives a dot product
/// with a unit vector with an RMS error of scale / sqrt(12), about 0.0003 at width 512. Both planes together have 1/256
/// of that error.
#ifndef WATCHWORD_HISTORY_ROWS_H
#define WATCHWORD_HISTORY_ROWS_H
#include <stddef.h>
#include <stdint.h>

#include "score_index.h"

enum {
    WW_HISTORY_ENTRIES = 1024,  ///< most entries (frames) in a block
    WW_HISTORY_VECTORS = 256,   ///< most rows (different embeddings) in a block
    WW_HISTORY_DOTS = 512,      ///< rows of a product buffer: a block's rows, and sums of its entries
    WW_HISTORY_BINS = 4096,     ///< bins of a score histogram, from -1 to 1
    WW_HISTORY_TEXT = 63        ///< largest absolute byte of an encoded text
};

/// Returns a checksum of bytes; changing any bits within 32 neighbouring ones changes it.
uint64_t ww_history_sum(const void *bytes, size_t count);

/// Returns 1 if a block of n entries and its rows is consistent, 0 if it is corrupt.
///
/// It is consistent if all numbers are finite, the flags announce as many rows as there are, and no entry before the
/// first row repeats a row.
int ww_history_holds(const double *media, const double *wall, const float *values, const uint8_t *flags, size_t n,
                     const float *scales, const float *lengths, size_t rows);

/// The windows (consecutive frames, scored together) that a search of the history covers.
typedef struct ww_history_span {
    uint32_t length;            ///< frames in a window
    double slot;                ///< seconds in a slot; the best window of each slot is kept
    double from, to;            ///< limits of a window's end, in the times that slots use; `to` is excluded
    double wall_from, wall_to;  ///< the same limits in wall-clock time
} ww_history_span;

/// The position of a search within a segment file of the history; all zero at its beginning.
typedef struct ww_history_place {
    uint32_t ordinal;  ///< entries read so far
    uint32_t since;    ///< entries with an embedding since the last gap
    uint32_t slots;    ///< slots begun so far
    int64_t key;       ///< the last slot's number in time
} ww_history_place;

/// Prepares a block's n entries for the search, and returns how many windows end in the block.
///
/// For each entry it writes its row or -1 to `rows`, 1 / norm of the window that ends with it (0 if none does) to
/// `inverse`, and that window's slot to `slots`. `firsts` has room for n more slots: the ordinal of each slot's first
/// entry. `values` is NULL if each entry is a whole window.
size_t ww_history_prepare(ww_history_place *place, const ww_history_span *span, const double *times, const double *wall,
                          const float *values, const uint8_t *flags, size_t n, int32_t *rows, float *inverse,
                          uint32_t *slots, uint32_t *firsts);

/// Encodes x (width) as a unit row: high (P), low (P), its scale, and the length of x. work (P) is scratch.
///
/// Returns 0 and writes a row of zeros if the length is 0 or a number is not finite.
int ww_history_pack(int8_t *high, int8_t *low, float *scale, float *length, const float *x, size_t width, double *work);

/// Decodes a row into x (width), with its original length. work (P) is scratch.
void ww_history_unpack(float *x, const int8_t *high, const int8_t *low, float scale, float length, size_t width,
                       double *work);

/// Encodes a unit text embedding x (width) as bytes q (P), value = step * q, and as exact `rotated` numbers (P).
///
/// q is from -WW_HISTORY_TEXT to WW_HISTORY_TEXT, so that two products of bytes can be summed in 16 bits. offset is 128
/// times the sum of q.
void ww_history_text(int8_t *q, float *step, int32_t *offset, double *rotated, const float *x, size_t width);

/// Encodes what q leaves of a rotated text (P) as a second text, `rest`. work (P) is scratch.
///
/// The sum of the products with both texts is nearly exact.
void ww_history_rest(int8_t *rest, float *rest_step, int32_t *rest_offset, const double *rotated, const int8_t *q,
                     float step, size_t P, double *work);

/// Encoded texts for the search. The arrays have room for `count` rounded up to four; entries beyond `count` are zero.
typedef struct ww_history_texts {
    size_t count;
    const int8_t *bytes;     ///< (count, P)
    const float *steps;      ///< (count)
    const int32_t *offsets;  ///< (count)
} ww_history_texts;

/// Returns the dot product of a row (both planes) and a rotated text (P), in float64.
double ww_history_exact(const int8_t *high, const int8_t *low, float scale, const double *rotated, size_t P);

/// Computes the dot products of the texts with the high planes of `count` rows; returns ww_history_sum of the rows.
///
/// out is (B / 8, WW_HISTORY_DOTS, 8): eight texts at a time. `scan` selects the CPU instructions; it must be available
/// (ww_scan_available) or WW_SCAN_BEST.
uint64_t ww_history_dots(float *out, const int8_t *high, size_t count, size_t P, const float *scales,
                         const ww_history_texts *texts, ww_scan scan);

/// Does what ww_history_dots does, for rows mapped from a file, and writes their checksum to `sum`.
///
/// Returns 1, or 0 if a page could not be read, since the file was shortened or the disk failed.
int ww_history_mapped_dots(uint64_t *sum, float *out, const int8_t *high, size_t count, size_t P, const float *scales,
                           const ww_history_texts *texts);

/// Returns how many page faults the calling thread has had.
long ww_thread_faults(void);

/// Adds up the rows of each `size` consecutive entries, and encodes each sum as a row: value = scale * sum.
///
/// sums is (n / size, P). rows (n) gives each entry's row, or -1. With many texts, searching these sums first costs
/// less than searching the rows.
void ww_history_group(int8_t *sums, float *group_scales, const int8_t *high, const float *scales, const int32_t *rows,
                      size_t n, size_t size, size_t P);

/// Adds a row (both planes) to the running sum of a window (P), and subtracts the row in `kept` (P).
///
/// `kept` then holds the new row. Returns the norm of the sum.
double ww_history_push(double *sum, float *kept, const int8_t *high, const int8_t *low, float scale, size_t P);

/// Computes the scores of the windows that end with a block's n entries, NaN where none ends.
///
/// scores is (B / 8, WW_HISTORY_ENTRIES, 8). sums (B / 8, L + 1 + WW_HISTORY_ENTRIES, 8) are running sums of the
/// products, eight texts at a time, zero at a segment's beginning. dots comes from ww_history_dots. rows (n) gives each
/// entry's row, or -1. inverse (n) is 1 / norm of the window's sum, or 0 if no window ends.
void ww_history_scores(float *sums, size_t L, size_t B, const float *dots, const int32_t *rows, const float *inverse,
                       size_t n, float *scores);

/// Finds the best score of each slot (a span of time) among a block's windows, and counts all scores in bins.
///
/// slots (n) gives the row of `best` (., stride) for each entry; stride is a multiple of 8. counts is (B,
/// WW_HISTORY_BINS).
void ww_history_best(const float *scores, size_t B, const float *inverse, const uint32_t *slots, size_t n, float *best,
                     size_t stride, uint32_t *counts);

/// Returns the index of the histogram bin that a score from -1 to 1 falls into.
size_t ww_history_bin(float score);
#endif
