/// Time spent in matrix products: what benchmarks take the share of.
#ifndef WATCHWORD_PRODUCT_TIME_H
#define WATCHWORD_PRODUCT_TIME_H
#include <stdint.h>

/// Begins or ends to add up the time inside of all layers' products; costs nothing when off.
void ww_products_time(int on);
double ww_products_seconds(void);

/// Whether it is on: if so, each product adds its time.
int ww_products_timed(void);
void ww_products_add(int64_t nanoseconds);

/// Monotonic time.
int64_t ww_nanoseconds(void);
#endif
