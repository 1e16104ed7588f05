/// A pool of worker threads that spreads work over cores. The threads live as long as the process and sleep without
/// work.
#ifndef WATCHWORD_PARALLEL_H
#define WATCHWORD_PARALLEL_H
#include <stddef.h>

/// The greatest number of workers.
enum { WW_MAX_WORKERS = 64 };

/// Calls `body(context, first, last, worker)` for parts of [0, count), and returns when all is covered. worker <
/// ww_workers().
///
/// Each worker begins with its own part, cut the same way every time, so that its cache still holds what it wrote
/// before. A worker that is done takes over parts of others, so that a thread which the system does not schedule delays
/// no call. A second concurrent caller does its work alone, as worker 0.
void ww_parallel(size_t count, void (*body)(void *context, size_t first, size_t last, size_t worker), void *context);

/// The number of workers, the caller included: the cores that this process may use, or fewer.
size_t ww_workers(void);

/// Sets the number of workers for layers made from now on; 0 means all cores.
void ww_set_workers(size_t count);
#endif
