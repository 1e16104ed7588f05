#define _GNU_SOURCE
#include "parallel.h"

#include <dlfcn.h>
#include <pthread.h>
#include <unistd.h>

// oneDNN brings an OpenMP runtime; this compiler may come without one. Its entry points are looked up by name. Where
// there is none (another oneDNN), work is done by the calling thread.
static void (*fork_join)(void (*)(void *), void *, unsigned, unsigned);
static int (*thread_number)(void);
static int (*team_size)(void);
static int (*maximum)(void);
static void (*set_maximum)(int);
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void find(void) {
    thread_number = (int (*)(void))dlsym(RTLD_DEFAULT, "omp_get_thread_num");
    team_size = (int (*)(void))dlsym(RTLD_DEFAULT, "omp_get_num_threads");
    maximum = (int (*)(void))dlsym(RTLD_DEFAULT, "omp_get_max_threads");
    set_maximum = (void (*)(int))dlsym(RTLD_DEFAULT, "omp_set_num_threads");
    if (thread_number && team_size && maximum && set_maximum)
        fork_join =
            (void (*)(void (*)(void *), void *, unsigned, unsigned))dlsym(RTLD_DEFAULT, "GOMP_parallel");
}

size_t ww_workers(void) {
    pthread_once(&once, find);
    return fork_join ? (size_t)maximum() : 1;
}

void ww_set_workers(size_t count) {
    pthread_once(&once, find);
    if (!fork_join) return;
    const long cores = sysconf(_SC_NPROCESSORS_ONLN);
    set_maximum(count ? (int)count : cores > 0 ? (int)cores : 1);
}

typedef struct share {
    size_t count;
    void (*body)(void *, size_t, size_t, size_t);
    void *context;
} share;

static void member(void *context) {
    const share *s = context;
    const size_t worker = (size_t)thread_number(), workers = (size_t)team_size();
    const size_t first = s->count * worker / workers, last = s->count * (worker + 1) / workers;
    if (first < last) s->body(s->context, first, last, worker);
}

void ww_parallel(size_t count, void (*body)(void *, size_t, size_t, size_t), void *context) {
    if (count == 0) return;
    if (count == 1 || ww_workers() == 1) {
        body(context, 0, count, 0);
        return;
    }
    share s = {count, body, context};
    fork_join(member, &s, 0, 0);
}
