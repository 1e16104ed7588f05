/// What of the C library Swift's own module of it leaves out.
#ifndef WATCHWORD_CPLATFORM_H
#define WATCHWORD_CPLATFORM_H

/// Keeps glibc's allocator to `count` arenas. Call before threads are made; does nothing with another C library.
void ww_limit_arenas(int count);
#endif
