/// An exact search for the rows (text embeddings) whose score against a window reaches the row's own floor.
///
/// A score is a dot product, summed in float64 and rounded to float32 once. Products of float32 are exact in float64,
/// and the order of the 32 partial sums is fixed. So a score is the same number on every CPU, alone and in a batch,
/// with and without fused multiply-adds.
///
/// Rows are kept twice: as float32, and as bytes whose error is bounded (score_bytes.c). Scores are computed only for
/// pairs that this bound cannot exclude. This saves reading and never changes a result. P = width, padded to 64.
#ifndef WATCHWORD_SCORE_INDEX_H
#define WATCHWORD_SCORE_INDEX_H
#include <stddef.h>
#include <stdint.h>

enum {
    WW_SCORE_BLOCK = 4096,  ///< rows in a block
    WW_SCORE_PANEL = 16,    ///< rows in a panel, whose bytes are interleaved, four of each row at a time
    WW_SCORE_WIDEST = 16384
};

/// A block of WW_SCORE_BLOCK rows, aligned to 64. A row's bytes are its rotated numbers: value = scale * (byte - 128).
typedef struct ww_score_block {
    float *rows;     ///< (BLOCK, P)
    uint8_t *bytes;  ///< (BLOCK / PANEL, P / 4, PANEL, 4)
    float *floors;   ///< (BLOCK): the least score that matches; NaN matches nothing
    float *scales;   ///< (BLOCK): 0 if the bytes say nothing about a row, NaN if a row is not finite
    float *limits;   ///< (BLOCK): floor / scale
    float *lengths;  ///< (BLOCK): norm of the bytes' values / scale
    float *errors;   ///< (BLOCK): norm of the bytes' error / scale, including rounding
    int32_t *tags;   ///< (BLOCK): integers chosen by the caller
} ww_score_block;

typedef struct ww_score_hit {
    uint32_t window;
    int32_t tag;
    float score;
} ww_score_hit;

/// The CPU instructions with which a search multiplies bytes.
typedef enum ww_scan {
    WW_SCAN_NONE = 0,  ///< none: the score of every pair is computed
    WW_SCAN_PORTABLE = 1,
    WW_SCAN_AVX2 = 2,
    WW_SCAN_VNNI = 3,
    WW_SCAN_AMX = 4,
    WW_SCAN_BEST = 5  ///< the fastest on this CPU for the sizes of a call
} ww_scan;

/// Returns 1 if this CPU and this kernel support the instructions of a scan.
int ww_scan_available(ww_scan scan);

/// Returns the width, rounded up to a multiple of 64.
size_t ww_score_padded(size_t width);

/// Allocates a block of rows that match nothing until they are written; ends the process without memory, as in Swift.
void ww_score_block_make(ww_score_block *block, size_t P);
void ww_score_block_free(const ww_score_block *block);

/// Clears row `r` of a block, so that it matches nothing.
void ww_score_clear(const ww_score_block *block, size_t r);

/// Writes the embedding x (width) to row `r` of a block, with its floor and tag. work (2 * P) is scratch.
void ww_score_put(const ww_score_block *block, size_t r, const float *x, size_t width, float floor, int32_t tag,
                  double *work);

void ww_score_set_floor(const ww_score_block *block, size_t r, float floor);

/// Copies row `s` of `from`, with its bytes, floor and tag, to row `r` of `to`.
void ww_score_copy(const ww_score_block *to, size_t r, const ww_score_block *from, size_t s, size_t P);

/// Returns the score of a row (P) and a window (P): their dot product, summed in float64.
float ww_score(const float *row, const float *window, size_t P);

/// Scratch memory and results of searches, reused from one search to the next; for one caller at a time.
typedef struct ww_search ww_search;

ww_search *ww_search_make(size_t width);
void ww_search_free(ww_search *search);

/// Finds all pairs of a window (B, width) and one of the first `count` rows whose score reaches the row's floor.
///
/// Returns their number. They are ordered by window, then by row. A window or row with a number that is not finite is
/// in no pair.
size_t ww_search_run(ww_search *search, const ww_score_block *blocks, size_t count, const float *windows, size_t B,
                     ww_scan scan);

/// Returns the pairs that the last `ww_search_run` found; they are valid until the next run.
const ww_score_hit *ww_search_hits(const ww_search *search);

/// Returns the number of pairs whose score the last search computed, because the byte error bound did not exclude them.
size_t ww_search_scored(const ww_search *search);
#endif
