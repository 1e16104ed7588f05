/// The rows of a history: unit embeddings stored as two planes of bytes, and the scan of the high plane. P = width,
/// padded to 64.
///
/// A row is rotated as rows of the score index are (score_bytes.c). Then value = scale * (high + low / 256), with high
/// from -127 to 127. The high plane alone gives a dot product with a unit vector whose RMS error is scale / sqrt(12),
/// about 0.0003 at width 512. Both planes together have 1/256 of that error.
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

/// A checksum of bytes. Every flip of up to 32 neighbouring bits changes it.
uint64_t ww_history_sum(const void *bytes, size_t count);

/// Checks a block of n entries and its rows: all numbers are finite, the flags announce as many rows as there are, and
/// no entry repeats a row before the first row. Returns 0 for a corrupt block.
int ww_history_holds(const double *media, const double *wall, const float *values, const uint8_t *flags, size_t n,
                     const float *scales, const float *lengths, size_t rows);

/// The windows that a scan looks at.
typedef struct ww_history_span {
    uint32_t length;            ///< frames of a window
    double slot;                ///< seconds of a slot, of which the best window is kept
    double from, to;            ///< of a window's end, in the times that slots are cut by; to is not in it
    double wall_from, wall_to;  ///< the same in wall time
} ww_history_span;

/// The position of a scan within a segment; all zero at its beginning.
typedef struct ww_history_place {
    uint32_t ordinal;  ///< entries seen
    uint32_t since;    ///< entries with a row since the last break
    uint32_t slots;    ///< slots begun
    int64_t key;       ///< of the last
} ww_history_place;

/// Prepares a block's n entries for the scan. Returns how many windows end in the block.
///
/// Writes for each entry its row or -1, the inverse norm of the window that ends there (0 if none ends), and that
/// window's slot. `firsts` has room for n more slots: the ordinal of each slot's first entry. values: NULL where each
/// entry is a window by itself.
size_t ww_history_prepare(ww_history_place *place, const ww_history_span *span, const double *times, const double *wall,
                          const float *values, const uint8_t *flags, size_t n, int32_t *rows, float *inverse,
                          uint32_t *slots, uint32_t *firsts);

/// Writes x (width) as a unit row: high (P), low (P), its scale, and the length that x had. work (P) is scratch.
/// Returns 0, and writes a row of zeros, if the length is 0 or a number is not finite.
int ww_history_pack(int8_t *high, int8_t *low, float *scale, float *length, const float *x, size_t width, double *work);

/// Restores x (width), with its length, from a row.
void ww_history_unpack(float *x, const int8_t *high, const int8_t *low, float scale, float length, size_t width,
                       double *work);

/// Encodes a unit text x (width) as bytes for the scan, value = step * q, and as `rotated` numbers for the exact score.
///
/// q (P) is from -WW_HISTORY_TEXT to WW_HISTORY_TEXT: coarser than a row, so that two products can be summed in 16
/// bits. offset: 128 times the sum of q.
void ww_history_text(int8_t *q, float *step, int32_t *offset, double *rotated, const float *x, size_t width);

/// Encodes the remainder of a rotated text (P) that q does not represent, as a second text. The sum of the products
/// with both texts is nearly exact. work (P) is scratch.
void ww_history_rest(int8_t *rest, float *rest_step, int32_t *rest_offset, const double *rotated, const int8_t *q,
                     float step, size_t P, double *work);

/// Encoded texts for the scan. The arrays have room for `count` rounded up to four; entries beyond `count` are zero.
typedef struct ww_history_texts {
    size_t count;
    const int8_t *bytes;     ///< (count, P)
    const float *steps;      ///< (count)
    const int32_t *offsets;  ///< (count)
} ww_history_texts;

/// The dot product of a row, by both planes, and a rotated text (P).
double ww_history_exact(const int8_t *high, const int8_t *low, float scale, const double *rotated, size_t P);

/// Computes the dot products of the texts with the high planes of `count` rows, eight texts at a time. Returns
/// ww_history_sum of the rows.
///
/// out (B / 8, WW_HISTORY_DOTS, 8). scan: the instructions to use; the caller asks ww_scan_available first, or passes
/// WW_SCAN_BEST.
uint64_t ww_history_dots(float *out, const int8_t *high, size_t count, size_t P, const float *scales,
                         const ww_history_texts *texts, ww_scan scan);

/// The same of rows that are mapped from a file: 1, or 0 where one of their pages cannot be had.
int ww_history_mapped_dots(uint64_t *sum, float *out, const int8_t *high, size_t count, size_t P, const float *scales,
                           const ww_history_texts *texts);

/// Times that the calling thread found a page missing from its tables.
long ww_thread_faults(void);

/// Adds up the rows of each `size` consecutive entries and writes each sum as a row: value = scale * sum. sums (n /
/// size, P). rows (n): an entry's row, or -1. With many texts, scanning these sums costs less than scanning the rows.
void ww_history_group(int8_t *sums, float *group_scales, const int8_t *high, const float *scales, const int32_t *rows,
                      size_t n, size_t size, size_t P);

/// Adds a row, by both planes, to a running sum (P), and subtracts the row that `kept` (P) held. `kept` then holds the
/// new row. Returns the norm of the sum.
double ww_history_push(double *sum, float *kept, const int8_t *high, const int8_t *low, float scale, size_t P);

/// Computes the scores of the windows that end with a block's n entries: scores (B / 8, WW_HISTORY_ENTRIES, 8), NaN
/// where no window ends.
///
/// sums (B / 8, L + 1 + WW_HISTORY_ENTRIES, 8): running sums of the products, eight texts at a time, zero at a
/// segment's beginning. dots: from ww_history_dots. rows (n): an entry's row, or -1. inverse (n): 1 / norm of the
/// window's sum, 0 where no window ends.
void ww_history_scores(float *sums, size_t L, size_t B, const float *dots, const int32_t *rows, const float *inverse,
                       size_t n, float *scores);

/// Finds the best score of each slot among a block's windows, and counts the scores in bins.
///
/// slots (n): the row of `best` (., stride) for each entry; stride is a multiple of 8. counts (B, WW_HISTORY_BINS).
void ww_history_best(const float *scores, size_t B, const float *inverse, const uint32_t *slots, size_t n, float *best,
                     size_t stride, uint32_t *counts);

/// The bin that a score is counted in.
size_t ww_history_bin(float score);
#endif
