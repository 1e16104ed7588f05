/// Measures the time spent in matrix products, for benchmarks.
#ifndef WATCHWORD_PRODUCT_TIME_H
#define WATCHWORD_PRODUCT_TIME_H
#include <stdint.h>

/// Starts (1) or stops (0) adding up the time inside the matrix products of all linear layers; off, it costs nothing.
void ww_products_time(int on);
double ww_products_seconds(void);

/// Returns 1 if products are timed now; then each product reports its time to `ww_products_add`.
int ww_products_timed(void);
void ww_products_add(int64_t nanoseconds);

/// Returns monotonic time, in nanoseconds.
int64_t ww_nanoseconds(void);
#endif
