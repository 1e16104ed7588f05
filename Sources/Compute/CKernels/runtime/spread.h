/// Divides rows among worker threads, if there are enough rows.
#ifndef WATCHWORD_SPREAD_H
#define WATCHWORD_SPREAD_H
#include "parallel.h"

// Below this many numbers, waking another core takes longer than the work.
enum { WORTH_SPREADING = 4096 };

static inline void spread(size_t R, size_t W, void (*body)(void *, size_t, size_t, size_t), void *context) {
    if (R * W < WORTH_SPREADING)
        body(context, 0, R, 0);
    else
        ww_parallel(R, body, context);
}
#endif
