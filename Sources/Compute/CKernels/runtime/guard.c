#include "runtime/guard.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>

typedef struct guard {
    sigjmp_buf back;
    uintptr_t from, to;
} guard;

static _Thread_local guard *volatile now;
static struct sigaction before;

static void bus_error(int number, siginfo_t *info, void *context) {
    (void)context;
    guard *own = now;
    const uintptr_t at = (uintptr_t)info->si_addr;
    if (own && at >= own->from && at < own->to) siglongjmp(own->back, 1);
    // Another's: it comes again when this returns, as if this had not been here.
    sigaction(number, &before, NULL);
    // One that was sent does not come again by itself.
    if (info->si_code <= 0) raise(number);
}

static void install(void) {
    // No signal is held back: nothing must be let in again after the jump.
    struct sigaction own = {.sa_sigaction = bus_error, .sa_flags = SA_SIGINFO | SA_NODEFER | SA_ONSTACK};
    sigemptyset(&own.sa_mask);
    sigaction(SIGBUS, &own, &before);
}

int ww_guarded(const void *bytes, size_t count, void (*work)(void *context), void *context) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, install);
    guard own = {.from = (uintptr_t)bytes, .to = (uintptr_t)bytes + count};
    if (sigsetjmp(own.back, 0) != 0) {
        now = NULL;
        return 0;
    }
    now = &own;
    work(context);
    now = NULL;
    return 1;
}
