/// Counts the memory allocations of a thread in a test program. It replaces the C library's allocation functions for
/// the program, all its libraries and plugins.
#ifndef WATCHWORD_CALLOCATIONS_H
#define WATCHWORD_CALLOCATIONS_H
#include <stdint.h>

/// The number of calls of malloc, calloc, realloc, posix_memalign, aligned_alloc and memalign by the calling thread so
/// far.
uint64_t ww_allocations(void);
#endif
