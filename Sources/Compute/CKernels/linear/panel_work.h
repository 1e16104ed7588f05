/// The description of one product by panels, shared by the units that multiply with vectors.
#ifndef WATCHWORD_PANEL_WORK_H
#define WATCHWORD_PANEL_WORK_H
#include "linear/panels.h"
#include "linear/row_blocks.h"
#include "parallel.h"

// Rows go through K in cuts, so that a cut of a panel (24 KB) and of fourteen rows (11 KB) stay in the first cache:
// each cut of a panel meets all rows before the next is read. Between cuts, the sums of some panels wait in the second
// cache.
enum { CUT = 12, CHUNK = 768, SUMS = 256 << 10, ROW_SUMS = PANEL * 4 };

typedef struct product_work {
    const ww_panels *layer;
    const ww_numbers *out, *x;
    char *rows;  // x, in blocks
    ww_activation activation;
    int add;
    size_t M;
} product_work;

// Memory that is wanted soon, and not near yet: what is fetched in the shadow of the products.
typedef struct ahead {
    const char *weights, *end;  // of the next cut of weights: a few lines a step
    size_t lines;
    int cold;          // nobody has read this cut of weights yet
    const char *rows;  // the next cut of these rows, if it is time to fetch it
    const float *out;  // where the block's values go, if this cut is the last
    size_t stride;     // of `out`, from 32 values to the next
} ahead;

// Panels [first, last) of outputs of a product_work, for all rows: a part of a parallel loop.
void panels_avx512(void *context, size_t first, size_t last, size_t worker);
void panels_avx2(void *context, size_t first, size_t last, size_t worker);
#endif
