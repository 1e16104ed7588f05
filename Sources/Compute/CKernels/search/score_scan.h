#ifndef WATCHWORD_SCORE_SCAN_H
#define WATCHWORD_SCORE_SCAN_H
#include "score_index.h"

// Windows that are scanned for at once: with a panel of rows they fit the nearest cache.
enum { GROUP = 64 };

/// Windows as bytes. The limits of inequality (1) in score_bytes.c are limit * a - length * b - error * c.
typedef struct scan_windows {
    size_t P;
    const int8_t *bytes;     // (GROUP, P), zero beyond the last window
    const int16_t *words;    // (GROUP, P): of each four, the first and the third, then the others
    const int32_t *offsets;  // -128 * sum of the bytes: rows' bytes have 128 added
    const float *a, *b, *c;
} scan_windows;

/// Receives the places of a panel that the bound does not exclude for window `w`, one bit each.
typedef void (*scan_found)(void *context, size_t panel, size_t w, uint32_t places);

/// Scans panels [first, last) of a block for the first `B` windows.
typedef void (*scan_body)(const ww_score_block *block, size_t first, size_t last, const scan_windows *windows, size_t B,
                          scan_found found, void *context);

/// The requested scan, or for WW_SCAN_BEST the fastest available one for B windows.
scan_body scan_for(ww_scan scan, size_t B);
#endif
