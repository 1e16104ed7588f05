#include "CAllocations.h"

#include <errno.h>
#include <stddef.h>

// glibc's own names for its allocator: what it hands out, its own free takes back.
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

// Of the program itself, so that reaching it never allocates.
static _Thread_local __attribute__((tls_model("local-exec"))) uint64_t allocations;

uint64_t ww_allocations(void) { return allocations; }

// A sanitizer has an allocator of its own, and both cannot be: nothing is counted then, and the tests that count say
// so.
#if !__has_feature(thread_sanitizer) && !__has_feature(address_sanitizer)

void *malloc(size_t size) {
    allocations++;
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size) {
    allocations++;
    return __libc_calloc(count, size);
}

void *realloc(void *old, size_t size) {
    allocations++;
    return __libc_realloc(old, size);
}

void *memalign(size_t alignment, size_t size) {
    allocations++;
    return __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
    allocations++;
    return __libc_memalign(alignment, size);
}

int posix_memalign(void **out, size_t alignment, size_t size) {
    allocations++;
    void *made = __libc_memalign(alignment, size);
    if (!made) return ENOMEM;
    *out = made;
    return 0;
}
#endif
