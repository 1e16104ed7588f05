#include "product_time.h"

#include <stdatomic.h>
#include <time.h>

static _Atomic int timing;
static _Atomic int64_t spent;

int64_t ww_nanoseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

void ww_products_time(int on) {
    spent = 0;
    timing = on;
}

int ww_products_timed(void) { return timing; }

void ww_products_add(int64_t more) { spent += more; }

double ww_products_seconds(void) { return (double)spent * 1e-9; }
