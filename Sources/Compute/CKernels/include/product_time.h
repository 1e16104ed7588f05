/// Measures the time spent in matrix products, whose share benchmarks report.
#ifndef WATCHWORD_PRODUCT_TIME_H
#define WATCHWORD_PRODUCT_TIME_H
#include <stdint.h>

/// Starts or stops adding up the time inside all layers' products. It costs nothing when off.
void ww_products_time(int on);
double ww_products_seconds(void);

/// Whether products are timed now; if so, each product adds its time.
int ww_products_timed(void);
void ww_products_add(int64_t nanoseconds);

/// Monotonic time, in nanoseconds.
int64_t ww_nanoseconds(void);
#endif
