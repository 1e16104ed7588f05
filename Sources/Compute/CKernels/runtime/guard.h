/// Reads memory-mapped files so that an unreadable page ends the reading, not the process.
#ifndef WATCHWORD_GUARD_H
#define WATCHWORD_GUARD_H
#include <stddef.h>

/// Calls `work`, which reads `count` mapped bytes; returns 1, or 0 if one of their pages could not be read.
///
/// A page cannot be read if the file was shortened or the disk failed. `work` is then abandoned midway, so it must be
/// plain C that holds nothing to release.
int ww_guarded(const void *bytes, size_t count, void (*work)(void *context), void *context);
#endif
