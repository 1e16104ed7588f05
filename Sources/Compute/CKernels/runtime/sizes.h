/// Rounds sizes to whole units.
#ifndef WATCHWORD_SIZES_H
#define WATCHWORD_SIZES_H
#include <stddef.h>

#include "runtime/inline.h"

/// Returns the smallest multiple of `unit` that is at least `n`.
INLINE size_t rounded_up(size_t n, size_t unit) { return (n + unit - 1) / unit * unit; }
#endif
