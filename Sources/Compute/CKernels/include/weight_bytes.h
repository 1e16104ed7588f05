/// Weights as bytes, by output, symmetric: value = scale * byte.
#ifndef WATCHWORD_WEIGHT_BYTES_H
#define WATCHWORD_WEIGHT_BYTES_H
#include <stddef.h>
#include <stdint.h>

/// bytes (K), from -127 to 127, of the weights (K) of one output, with their scale, and offset = scale * their sum.
void ww_weight_bytes(int8_t *bytes, float *scale, float *offset, const float *weight, size_t K);
#endif
