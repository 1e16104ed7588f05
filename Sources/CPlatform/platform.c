#define _GNU_SOURCE  // renameat2, memfd_create
#include "CPlatform.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
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

void ww_give_back_memory(void) {
#ifdef __GLIBC__
    malloc_trim(0);
#endif
}

int ww_exchange(const char *a, const char *b) { return renameat2(AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE); }

int ww_memory_file(const char *name) { return memfd_create(name, MFD_CLOEXEC); }
