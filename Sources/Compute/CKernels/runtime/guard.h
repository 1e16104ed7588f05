/// Reading of mapped files: a page that cannot be had ends the reading, not the process.
#ifndef WATCHWORD_GUARD_H
#define WATCHWORD_GUARD_H
#include <stddef.h>

/// Does `work`, C alone and nothing that must be put back, which reads `count` mapped bytes. Returns 1, or 0 where one
/// of their pages could not be had: the file is shorter than it was, or the disk failed. What was begun is left so.
int ww_guarded(const void *bytes, size_t count, void (*work)(void *context), void *context);
#endif
