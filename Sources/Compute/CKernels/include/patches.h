/// The input of an image encoder: patches and first tokens. B = pictures.
///
/// All arrays are dense, row-major and, unless stated, float32; `out` overlaps no input.
#ifndef WATCHWORD_PATCHES_H
#define WATCHWORD_PATCHES_H
#include <stddef.h>
#include <stdint.h>

#include "numbers.h"

/// Cuts B pictures of interleaved RGB bytes (R, R, 3) into patches: out (B, g*g, 3*P*P), of any type but sums.
///
/// g = R / P, rounded down: pixels beyond g * P at the right and below are ignored. Each number is (byte / 255 - mean)
/// / std, each step in float32 (docs/MATHEMATICS.md, section 8). Inside a patch the order is channel, row, column, as
/// in a convolution's kernel. A NULL picture gives zeros. Patches are in row order. With `nested` n > 0, the patches of
/// each square of 2^n by 2^n are consecutive, and within it those of each quarter, and so on, so that each four rows
/// are the input of the next 2 x 2 convolution.
void ww_cut_bytes(const ww_numbers *out, const uint8_t *const *pictures, const float mean[3], const float std[3],
                  size_t B, size_t R, size_t P, size_t nested);

/// Cuts normalised float32 planes (B, 3, R, R) into patches, in the same order as `ww_cut_bytes`.
void ww_cut_planes(const ww_numbers *out, const float *planes, size_t B, size_t R, size_t P, size_t nested);

/// Computes a transformer's first tokens: out (B, T, W) = tokens + positions (T, W).
///
/// A picture's tokens are `first` (W), then its `rest` (B, T - 1, W). If `first` is NULL, they are `rest` (B, T, W).
void ww_place_tokens(float *out, const float *first, const float *rest, const float *positions, size_t B, size_t T,
                     size_t W);
#endif
