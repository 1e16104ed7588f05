/// Marks a small function that is compiled into each caller, with the caller's instruction set.
#ifndef WATCHWORD_INLINE_H
#define WATCHWORD_INLINE_H
#define INLINE static inline __attribute__((always_inline))
#endif
