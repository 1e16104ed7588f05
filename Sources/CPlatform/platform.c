#include "CPlatform.h"

#include <stdlib.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

void ww_limit_arenas(int count) {
#ifdef __GLIBC__
    mallopt(M_ARENA_MAX, count);
#else
    (void)count;
#endif
}
