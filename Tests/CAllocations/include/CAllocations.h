/// Counts the memory that a thread asks for, in a test program: it stands between the program, all its libraries and
/// plugins, and the C library's allocator.
#ifndef WATCHWORD_CALLOCATIONS_H
#define WATCHWORD_CALLOCATIONS_H
#include <stdint.h>

/// Calls of malloc, calloc, realloc, posix_memalign, aligned_alloc and memalign that the calling thread has made so
/// far.
uint64_t ww_allocations(void);
#endif
