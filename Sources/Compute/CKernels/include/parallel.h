/// Work spread over cores, by threads that live as long as the process and sleep when there is nothing to do.
#ifndef WATCHWORD_PARALLEL_H
#define WATCHWORD_PARALLEL_H
#include <stddef.h>

/// Workers that there can be.
enum { WW_MAX_WORKERS = 64 };

/// Calls `body(context, first, last, worker)` until [0, count) is covered, and returns then. worker < ww_workers().
///
/// Each worker begins with its own part, always cut alike, so that it finds in its cache what it wrote before; one that
/// is done takes over from those that are not, so that nobody waits for a thread which the system does not run. A
/// second caller at the same time does its work alone, as worker 0.
void ww_parallel(size_t count, void (*body)(void *context, size_t first, size_t last, size_t worker), void *context);

/// How many workers there are, the caller among them: the cores that this process may use, or fewer.
size_t ww_workers(void);

/// Sets that, for layers made from now on; 0: all cores.
void ww_set_workers(size_t count);
#endif
