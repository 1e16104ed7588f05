/// A pool of worker threads that divides work among cores. The threads live as long as the process and sleep when idle.
#ifndef WATCHWORD_PARALLEL_H
#define WATCHWORD_PARALLEL_H
#include <stddef.h>

/// The greatest number of workers.
enum { WW_MAX_WORKERS = 64 };

/// Calls `body(context, first, last, worker)` for parts of [0, count) on all workers, and returns when all are done.
///
/// `worker` is below ww_workers(). Each worker begins with the same part every time, so that its cache still holds what
/// it wrote before. A worker that is done takes over parts of others, so that a thread that is not scheduled delays
/// nobody. If the pool is busy with another caller, the call runs alone on its own thread, as worker 0.
void ww_parallel(size_t count, void (*body)(void *context, size_t first, size_t last, size_t worker), void *context);

/// Returns the number of workers, including the caller: the cores that this process may use, or fewer.
size_t ww_workers(void);

/// Sets the number of workers for layers made from now on; 0 means all cores.
void ww_set_workers(size_t count);
#endif
