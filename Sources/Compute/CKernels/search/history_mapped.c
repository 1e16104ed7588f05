// Products of rows that are mapped from a file, whose pages may be gone.
#define _GNU_SOURCE  // RUSAGE_THREAD
#include <sys/resource.h>

#include "history_rows.h"
#include "runtime/guard.h"

typedef struct reading {
    float *out;
    const int8_t *high;
    size_t count, P;
    const float *scales;
    const ww_history_texts *texts;
    uint64_t sum;
} reading;

static void read_dots(void *context) {
    reading *r = context;
    r->sum = ww_history_dots(r->out, r->high, r->count, r->P, r->scales, r->texts, WW_SCAN_BEST);
}

int ww_history_mapped_dots(uint64_t *sum, float *out, const int8_t *high, size_t count, size_t P, const float *scales,
                           const ww_history_texts *texts) {
    reading own = {.out = out, .high = high, .count = count, .P = P, .scales = scales, .texts = texts};
    if (!ww_guarded(high, count * P, read_dots, &own)) return 0;
    *sum = own.sum;
    return 1;
}

long ww_thread_faults(void) {
    struct rusage usage;
    return getrusage(RUSAGE_THREAD, &usage) == 0 ? usage.ru_minflt + usage.ru_majflt : 0;
}
