/// Measures memory bandwidth, with which benchmarks compare small batches: these wait for weights to be read.
#ifndef WATCHWORD_MEMORY_READ_H
#define WATCHWORD_MEMORY_READ_H
#include <stddef.h>
#include <stdint.h>

/// Reads `count` words once with all workers, and returns their exclusive or.
uint64_t ww_memory_read(const uint64_t *words, size_t count);
#endif
