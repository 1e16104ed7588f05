/// What is before and after a transformer. All arrays dense, row-major, float32; no aliasing of `out`. B = pictures.
#ifndef WATCHWORD_TRANSFORMER_KERNELS_H
#define WATCHWORD_TRANSFORMER_KERNELS_H
#include <stddef.h>
#include <stdint.h>

/// Divides each row (rows, W) by its L2 norm, in place; no epsilon, as the reference.
void ww_normalise_rows(float *x, size_t rows, size_t W);

/// Pictures to patches: out (B, g*g, 3*P*P), channel-major inside a patch as a convolution's kernel is, from interleaved
/// RGB bytes (B, R, R, 3): (byte / 255 - mean) / std, each step in float32 (CLIP4CLIP section 8). R = g * P.
void ww_patchify_bytes(float *out, const uint8_t *rgb, const float mean[3], const float std[3], size_t B, size_t R,
                       size_t P);

/// The same from normalised planes (B, 3, R, R), float32.
void ww_patchify_planes(float *out, const float *planes, size_t B, size_t R, size_t P);
#endif
