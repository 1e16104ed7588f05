// Measures the cooperative pool of a Swift process: LD_PRELOAD=pool-probe.so POOL_PROBE=FILE PROGRAM...
//
// It runs the jobs of the global executor itself, on as many threads as there are processors, and keeps in FILE, which is
// mapped, the most processor time that one job has taken since FILE's first number was set to 0, and what has been done:
// three 64-bit numbers, nanoseconds of the longest job, jobs, nanoseconds of all. A thread's processor time does not depend
// on what else the machine does.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

struct shared { _Atomic uint64_t longest, jobs, all; };
struct node { struct node *next; void *job; };

static struct shared *shared;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t wake = PTHREAD_COND_INITIALIZER;
static struct node *first, **last = &first;
static void (*run_job)(void *job, uintptr_t executor, uintptr_t implementation);

static uint64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static void *work(void *none) {
    for (;;) {
        pthread_mutex_lock(&lock);
        while (!first) pthread_cond_wait(&wake, &lock);
        struct node *node = first;
        first = node->next;
        if (!first) last = &first;
        pthread_mutex_unlock(&lock);
        uint64_t begin = now();
        run_job(node->job, 0, 0);
        uint64_t took = now() - begin;
        free(node);
        atomic_fetch_add(&shared->jobs, 1);
        atomic_fetch_add(&shared->all, took);
        uint64_t longest = atomic_load(&shared->longest);
        while (took > longest && !atomic_compare_exchange_weak(&shared->longest, &longest, took)) {}
    }
    return none;
}

// Swift's runtime calls it for each job that is to run on the pool.
static void enqueue(void *job, void (*original)(void *job)) {
    struct node *node = malloc(sizeof *node);
    if (!node) return original(job);
    *node = (struct node){ .next = NULL, .job = job };
    pthread_mutex_lock(&lock);
    *last = node;
    last = &node->next;
    pthread_mutex_unlock(&lock);
    pthread_cond_signal(&wake);
}

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("POOL_PROBE");
    void **hook = dlsym(RTLD_DEFAULT, "swift_task_enqueueGlobal_hook");
    run_job = (void (*)(void *, uintptr_t, uintptr_t))dlsym(RTLD_DEFAULT, "swift_job_run");
    if (!path || !hook || !run_job) return;
    int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0 || ftruncate(file, sizeof *shared) < 0) return;
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    if (shared == MAP_FAILED) return;
    for (long i = 0; i < sysconf(_SC_NPROCESSORS_ONLN); i++) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, work, NULL)) return;
        pthread_setname_np(thread, "pool");
    }
    *hook = (void *)enqueue;
}
