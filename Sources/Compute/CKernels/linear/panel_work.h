/// One matrix product by panels (32 outputs of weights each), as the AVX-512 and AVX2 kernels receive it.
#ifndef WATCHWORD_PANEL_WORK_H
#define WATCHWORD_PANEL_WORK_H
#include "linear/panels.h"
#include "linear/row_blocks.h"
#include "parallel.h"

// K is processed in cuts, so that a cut of a panel (24 KB) and of fourteen rows (11 KB) fit the first-level cache: each
// cut of a panel is multiplied with all rows before the next is read. Between cuts, the sums of some panels stay in the
// second-level cache.
enum { CUT = 12, CHUNK = 768, SUMS = 256 << 10, ROW_SUMS = PANEL * 4 };

typedef struct product_work {
    const ww_panels *layer;
    const ww_numbers *out, *x;
    char *rows;  // x, in blocks
    ww_activation activation;
    int add;
    size_t M;
} product_work;

// Memory that is needed soon and is prefetched during the products.
typedef struct ahead {
    const char *weights, *end;  // the next cut of weights: a few cache lines per step
    size_t lines;
    int cold;          // 1 if this cut of weights has not been read before
    const char *rows;  // the next cut of these rows, if it is time to fetch it
    const float *out;  // where the block's values are written, if this cut is the last
    size_t stride;     // distance in `out` from 32 values to the next
} ahead;

// Computes panels [first, last) of a product_work for all rows, as the body of ww_parallel.
void panels_avx512(void *context, size_t first, size_t last, size_t worker);
void panels_avx2(void *context, size_t first, size_t last, size_t worker);
#endif
