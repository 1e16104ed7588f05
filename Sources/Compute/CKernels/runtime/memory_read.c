#include "memory_read.h"

#include "parallel.h"
#include "runtime/variants.h"

typedef struct reading {
    const uint64_t *words;
    uint64_t joined[WW_MAX_WORKERS];
} reading;

VARIANTS
static uint64_t join(const uint64_t *words, size_t count) {
    uint64_t joined = 0;
    for (size_t i = 0; i < count; i++) joined ^= words[i];
    return joined;
}

static void part(void *context, size_t first, size_t last, size_t worker) {
    reading *r = context;
    r->joined[worker] ^= join(r->words + first, last - first);
}

uint64_t ww_memory_read(const uint64_t *words, size_t count) {
    reading r = {.words = words};
    ww_parallel(count, part, &r);
    return join(r.joined, WW_MAX_WORKERS);
}
