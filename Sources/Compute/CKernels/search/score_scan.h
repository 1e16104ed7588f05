#ifndef WATCHWORD_SCORE_SCAN_H
#define WATCHWORD_SCORE_SCAN_H
#include "score_index.h"

// The windows that are searched for at once: with a panel of rows, they fit the nearest cache.
enum { GROUP = 64 };

/// Windows as bytes. The limits of inequality (1) in score_bytes.c are limit * a - length * b - error * c.
typedef struct scan_windows {
    size_t P;
    const int8_t *bytes;     // (GROUP, P), zero beyond the last window
    const int16_t *words;    // (GROUP, P): of each four numbers, the first and third, then the others
    const int32_t *offsets;  // -128 * sum of the bytes, since 128 is added to the rows' bytes
    const float *a, *b, *c;
} scan_windows;

/// Called with the rows of a panel that the error bound does not exclude for window `w`: bit i is the panel's row i.
typedef void (*scan_found)(void *context, size_t panel, size_t w, uint32_t places);

/// Scans the panels (groups of 16 rows) [first, last) of a block for the first `B` windows.
typedef void (*scan_body)(const ww_score_block *block, size_t first, size_t last, const scan_windows *windows, size_t B,
                          scan_found found, void *context);

/// Returns the function for a scan, or for WW_SCAN_BEST the fastest available one for B windows.
scan_body scan_for(ww_scan scan, size_t B);
#endif
