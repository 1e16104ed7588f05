#define _GNU_SOURCE
#include "parallel.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

enum {
    PIECES = 4,   // that a worker's part is cut into
    SPINS = 4000  // of waiting before a worker sleeps: some 50 microseconds, longer than the gaps inside a batch
};

typedef struct part {
    _Alignas(64) _Atomic size_t next;  // piece
} part;

// The job under way. `epoch` is odd while pieces may be taken; it changes under `lock`, so that sleepers see it.
static struct {
    void (*body)(void *, size_t, size_t, size_t);
    void *context;
    size_t count, workers;
    int cpu;  // that the caller runs on
    part parts[WW_MAX_WORKERS];
    _Alignas(64) _Atomic unsigned epoch;
    _Alignas(64) _Atomic size_t finished, inside;
} job;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t one_caller = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t wake = PTHREAD_COND_INITIALIZER;
static _Atomic size_t limit;
static _Atomic int sleepers;
static size_t threads;  // beside the caller

static void pause_briefly(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static size_t cores(void) {
    cpu_set_t set;
    const size_t found = sched_getaffinity(0, sizeof set, &set) == 0 ? (size_t)CPU_COUNT(&set) : 1;
    return found < WW_MAX_WORKERS ? found : WW_MAX_WORKERS;
}

size_t ww_workers(void) {
    size_t count = limit;
    if (!count) limit = count = cores();
    return count;
}

void ww_set_workers(size_t count) { limit = count == 0 ? cores() : count < WW_MAX_WORKERS ? count : WW_MAX_WORKERS; }

// Takes pieces, of one's own part first, until none is left.
static void work(size_t worker) {
    const size_t workers = job.workers;
    size_t done = 0;
    for (size_t i = 0; i < workers; i++) {
        const size_t owner = (worker + i) % workers;
        const size_t first = job.count * owner / workers, size = job.count * (owner + 1) / workers - first;
        for (;;) {
            const size_t piece = atomic_fetch_add_explicit(&job.parts[owner].next, 1, memory_order_relaxed);
            if (piece >= PIECES) break;
            const size_t from = size * piece / PIECES, to = size * (piece + 1) / PIECES;
            if (from < to) job.body(job.context, first + from, first + to, worker);
            done += to - from;
        }
    }
    if (done) atomic_fetch_add(&job.finished, done);
}

// A worker that woke on its caller's core runs when the caller does not, and is woken there again: the other cores stay
// idle until the system balances them, which short jobs never live to see. It moves once, and stays free to be moved.
static void part_from(int cpu, const cpu_set_t *allowed) {
    if (cpu < 0 || sched_getcpu() != cpu || CPU_COUNT(allowed) < 2) return;
    cpu_set_t others = *allowed;
    CPU_CLR(cpu, &others);
    if (sched_setaffinity(0, sizeof others, &others) == 0) sched_setaffinity(0, sizeof *allowed, allowed);
}

static void *live(void *argument) {
    const size_t worker = (size_t)argument;
    unsigned seen = 0;
    // Not its maker's name, by which benchmarks would count its time.
    pthread_setname_np(pthread_self(), "ww-pool");
    cpu_set_t allowed;
    if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) CPU_ZERO(&allowed);
    for (;;) {
        unsigned epoch = 0;
        for (int i = 0; i < SPINS; i++) {
            epoch = job.epoch;
            if (epoch != seen && epoch % 2) break;
            pause_briefly();
        }
        if (epoch == seen || epoch % 2 == 0) {
            pthread_mutex_lock(&lock);
            sleepers++;
            while ((epoch = job.epoch) == seen || epoch % 2 == 0) pthread_cond_wait(&wake, &lock);
            sleepers--;
            pthread_mutex_unlock(&lock);
        }
        seen = epoch;
        atomic_fetch_add(&job.inside, 1);
        // Still the same job? Its caller waits for those inside before it changes anything.
        if (job.epoch == epoch && worker < job.workers) {
            part_from(job.cpu, &allowed);
            work(worker);
        }
        atomic_fetch_sub(&job.inside, 1);
    }
    return NULL;
}

// Threads are made when they are first wanted; where one cannot be, there are fewer.
static void grow(size_t wanted) {
    pthread_attr_t attributes;
    if (threads >= wanted || pthread_attr_init(&attributes) != 0) return;
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    while (threads < wanted) {
        pthread_t thread;
        if (pthread_create(&thread, &attributes, live, (void *)(threads + 1)) != 0) break;
        threads++;
    }
    pthread_attr_destroy(&attributes);
}

void ww_parallel(size_t count, void (*body)(void *, size_t, size_t, size_t), void *context) {
    if (count == 0) return;
    const size_t workers = ww_workers();
    if (count == 1 || workers == 1 || pthread_mutex_trylock(&one_caller) != 0) {
        body(context, 0, count, 0);
        return;
    }
    grow(workers - 1);
    job.body = body;
    job.context = context;
    job.count = count;
    job.workers = workers;
    job.cpu = sched_getcpu();
    for (size_t i = 0; i < workers; i++) atomic_store_explicit(&job.parts[i].next, 0, memory_order_relaxed);
    atomic_store(&job.finished, 0);
    pthread_mutex_lock(&lock);
    job.epoch++;
    if (sleepers) pthread_cond_broadcast(&wake);
    pthread_mutex_unlock(&lock);
    work(0);
    // What is left is under way elsewhere.
    for (unsigned i = 0; job.finished < count; i++) {
        if (i < SPINS)
            pause_briefly();
        else
            sched_yield();
    }
    job.epoch++;
    for (unsigned i = 0; job.inside; i++) {
        if (i < SPINS)
            pause_briefly();
        else
            sched_yield();
    }
    pthread_mutex_unlock(&one_caller);
}
