/// A small function that is part of each caller, so that it takes on the caller's instruction set.
#ifndef WATCHWORD_INLINE_H
#define WATCHWORD_INLINE_H
#define INLINE static inline __attribute__((always_inline))
#endif
