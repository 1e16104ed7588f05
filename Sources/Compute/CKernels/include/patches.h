/// What a transformer of pictures begins with. All arrays dense, row-major, float32; no aliasing of `out`. B =
/// pictures.
#ifndef WATCHWORD_PATCHES_H
#define WATCHWORD_PATCHES_H
#include <stddef.h>
#include <stdint.h>

#include "numbers.h"

/// Pictures to patches: out (B, g*g, 3*P*P), of any kind but sums, channel-major inside a patch as a convolution's
/// kernel is, from interleaved RGB bytes, B pointers to (R, R, 3): (byte / 255 - mean) / std, each step in float32
/// (CLIP4CLIP section 8). A picture that is NULL gives zeros. g = R / P, rounded down: what is beyond it at the right
/// and below is not seen. Patches go row by row; with `nested` n, squares of 2^n by 2^n patches follow each other, and
/// within a square its four quarters, and so on: each four rows are what a convolution of 2 x 2 takes next.
void ww_cut_bytes(const ww_numbers *out, const uint8_t *const *pictures, const float mean[3], const float std[3],
                  size_t B, size_t R, size_t P, size_t nested);

/// The same from normalised planes (B, 3, R, R), float32.
void ww_cut_planes(const ww_numbers *out, const float *planes, size_t B, size_t R, size_t P, size_t nested);

/// out (B, T, W) = positions (T, W), plus `first` (W) in front of each picture's `rest` (B, T - 1, W), or plus `rest`
/// (B, T, W) alone where `first` is NULL.
void ww_place_tokens(float *out, const float *first, const float *rest, const float *positions, size_t B, size_t T,
                     size_t W);
#endif
