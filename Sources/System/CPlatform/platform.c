#define _GNU_SOURCE  // renameat2, memfd_create, statx, wcwidth
#include <dlfcn.h>
#include "CPlatform.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <wchar.h>
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

int ww_hide_argument(int index, const char *argument, unsigned long from, unsigned long count) {
#ifdef __GLIBC__
    // The kernel lays the arguments out one after the other, and glibc keeps where the first is. (Swift's are copies.)
    char *at = program_invocation_name;
    for (int i = 0; i < index; i++) at += strlen(at) + 1;
    if (strcmp(at, argument) != 0 || from + count > strlen(at)) return -1;
    memset(at + from, 'x', count);
    return 0;
#else
    (void)index, (void)argument, (void)from, (void)count;
    return -1;
#endif
}

const char *ww_library_of(const char *symbol) {
    Dl_info found;
    void *address = dlsym(RTLD_DEFAULT, symbol);
    return address && dladdr(address, &found) ? found.dli_fname : NULL;
}

static locale_t wide;
static void make_wide(void) { wide = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0); }

int ww_columns(unsigned int character) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_wide);
    if (!wide) return 1;
    locale_t before = uselocale(wide);
    int columns = wcwidth((wchar_t)character);
    uselocale(before);
    return columns < 0 ? 0 : columns;
}

int ww_file_birth(int descriptor, ww_birth *birth) {
    struct statx found;
    if (statx(descriptor, "", AT_EMPTY_PATH, STATX_BTIME, &found) != 0 || !(found.stx_mask & STATX_BTIME)) return -1;
    *birth = (ww_birth){found.stx_btime.tv_sec, found.stx_btime.tv_nsec};
    return 0;
}
