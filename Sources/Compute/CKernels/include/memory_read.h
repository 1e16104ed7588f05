/// How fast memory is: what benchmarks hold small batches against, which wait for their weights.
#ifndef WATCHWORD_MEMORY_READ_H
#define WATCHWORD_MEMORY_READ_H
#include <stddef.h>
#include <stdint.h>

/// Reads `count` words once, by all workers, and returns them joined by exclusive or.
uint64_t ww_memory_read(const uint64_t *words, size_t count);
#endif
