/// Work spread over cores, on the threads that oneDNN computes with: a second pool would fight it for them.
#ifndef WATCHWORD_PARALLEL_H
#define WATCHWORD_PARALLEL_H
#include <stddef.h>

/// Calls `body(context, first, last, worker)` for [0, count) in one run a worker: in order, always cut alike, so that a
/// worker finds in its cache what it wrote before. Returns when all are done. worker < ww_workers().
void ww_parallel(size_t count, void (*body)(void *context, size_t first, size_t last, size_t worker), void *context);

/// How many workers a call from this thread has.
size_t ww_workers(void);

/// Sets that for calls from this thread, and for its oneDNN primitives that are made from now on; 0: all cores.
void ww_set_workers(size_t count);
#endif
