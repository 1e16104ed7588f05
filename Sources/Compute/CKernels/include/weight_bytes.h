/// Quantises weights to bytes, symmetrically and with one scale per output: value = scale * byte.
#ifndef WATCHWORD_WEIGHT_BYTES_H
#define WATCHWORD_WEIGHT_BYTES_H
#include <stddef.h>
#include <stdint.h>

/// Quantises the K weights of one output to bytes from -127 to 127.
///
/// Also writes their scale, and offset = scale * the sum of the bytes.
void ww_weight_bytes(int8_t *bytes, float *scale, float *offset, const float *weight, size_t K);
#endif
