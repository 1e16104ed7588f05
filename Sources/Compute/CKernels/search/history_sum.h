/// The checksum of history data, computed piece by piece.
#ifndef WATCHWORD_HISTORY_SUM_H
#define WATCHWORD_HISTORY_SUM_H
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "runtime/inline.h"

typedef uint32_t vu8 __attribute__((vector_size(32)));

/// The state of a checksum: eight lanes, each with a sum and a sum of sums, so that the order of bytes matters.
typedef struct checksum {
    vu8 a, b;
} checksum;

/// Adds bytes to a checksum; only the last call may have a count that is not a multiple of 32.
INLINE void checksum_add(checksum *sum, const void *bytes, size_t count) {
    const uint8_t *from = bytes;
    vu8 next;
    size_t i = 0;
    for (; i + 32 <= count; i += 32) {
        memcpy(&next, from + i, 32);
        sum->a += next;
        sum->b += sum->a;
    }
    if (i < count) {
        memset(&next, 0, 32);
        memcpy(&next, from + i, count - i);
        sum->a += next;
        sum->b += sum->a;
    }
}

/// Returns the final checksum; `count` is the number of all bytes added.
INLINE uint64_t checksum_end(const checksum *sum, size_t count) {
    uint64_t mixed = (uint64_t)count * 0x9E3779B97F4A7C15u;
    for (int lane = 0; lane < 8; lane++) {
        mixed = (mixed ^ ((uint64_t)sum->a[lane] << 32 | sum->b[lane])) * 0xBF58476D1CE4E5B9u;
        mixed ^= mixed >> 29;
    }
    return mixed;
}
#endif
