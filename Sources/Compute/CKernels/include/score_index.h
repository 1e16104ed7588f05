/// Exact search for the rows whose score against a window reaches the row's own floor. P = width, padded to 64.
///
/// A score is the dot product, summed in float64 and rounded to float32 once. Products of float32 are exact in float64,
/// and the order of the 32 partial sums is fixed. So a score is the same number on every CPU, alone and in a batch,
/// with and without fused multiply-adds.
///
/// Rows are kept twice: as float32, and as bytes whose error is bounded (score_bytes.c). A scan of the bytes finds the
/// pairs that the bound cannot exclude, and only those are scored. This saves reading and never changes a result.
#ifndef WATCHWORD_SCORE_INDEX_H
#define WATCHWORD_SCORE_INDEX_H
#include <stddef.h>
#include <stdint.h>

enum {
    WW_SCORE_BLOCK = 4096,  ///< rows of a block
    WW_SCORE_PANEL = 16,    ///< rows whose bytes lie together, four at a time of each
    WW_SCORE_WIDEST = 16384
};

/// A block of WW_SCORE_BLOCK rows, aligned to 64. Rows are rotated before they become bytes: value = scale * (byte -
/// 128).
typedef struct ww_score_block {
    float *rows;     ///< (BLOCK, P)
    uint8_t *bytes;  ///< (BLOCK / PANEL, P / 4, PANEL, 4)
    float *floors;   ///< (BLOCK): NaN matches nothing
    float *scales;   ///< (BLOCK): 0 of a row of which the bytes say nothing, NaN of one that is not finite
    float *limits;   ///< (BLOCK): floor / scale
    float *lengths;  ///< (BLOCK): norm of the row as bytes / scale
    float *errors;   ///< (BLOCK): norm of what the bytes miss / scale, with rounding
    int32_t *tags;   ///< (BLOCK): the caller's
} ww_score_block;

typedef struct ww_score_hit {
    uint32_t window;
    int32_t tag;
    float score;
} ww_score_hit;

/// The instructions that multiply bytes.
typedef enum ww_scan {
    WW_SCAN_NONE = 0,  ///< not at all: every pair is scored
    WW_SCAN_PORTABLE = 1,
    WW_SCAN_AVX2 = 2,
    WW_SCAN_VNNI = 3,
    WW_SCAN_AMX = 4,
    WW_SCAN_BEST = 5  ///< what is fastest here for the sizes of a call
} ww_scan;

/// Whether this CPU and kernel have the instructions of a scan.
int ww_scan_available(ww_scan scan);

/// The width, padded to 64.
size_t ww_score_padded(size_t width);

/// Makes a block whose places match nothing until rows are put there. The process ends if memory is missing, as in
/// Swift.
void ww_score_block_make(ww_score_block *block, size_t P);
void ww_score_block_free(const ww_score_block *block);

/// Clears a place: it matches nothing from now on.
void ww_score_clear(const ww_score_block *block, size_t r);

/// Writes x (width) to place `r` of a block. work (2 * P) is scratch.
void ww_score_put(const ww_score_block *block, size_t r, const float *x, size_t width, float floor, int32_t tag,
                  double *work);

void ww_score_set_floor(const ww_score_block *block, size_t r, float floor);

/// Copies a row, with its bytes, floor and tag, to another place.
void ww_score_copy(const ww_score_block *to, size_t r, const ww_score_block *from, size_t s, size_t P);

/// The score of a row (P) and a window (P).
float ww_score(const float *row, const float *window, size_t P);

/// Scratch memory and results of searches, kept from one to the next. Serves one caller at a time.
typedef struct ww_search ww_search;

ww_search *ww_search_make(size_t width);
void ww_search_free(ww_search *search);

/// Finds the pairs of windows (B, width) and the first `count` rows of `blocks` whose score reaches the row's floor,
/// ordered by window, then by place. Returns their number.
///
/// A window or row with a number that is not finite is in no pair.
size_t ww_search_run(ww_search *search, const ww_score_block *blocks, size_t count, const float *windows, size_t B,
                     ww_scan scan);

/// The pairs that the last run found: valid until the next run.
const ww_score_hit *ww_search_hits(const ww_search *search);

/// The number of pairs that the last run scored, since the bound did not exclude them.
size_t ww_search_scored(const ww_search *search);
#endif
