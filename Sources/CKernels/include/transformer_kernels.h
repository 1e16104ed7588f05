/// What a transformer needs besides its matrix products. All arrays dense, row-major, float32; no aliasing of `out`.
/// B = sequences, T = tokens of a sequence, W = width, H = attention heads, C = W / H.
#ifndef WATCHWORD_TRANSFORMER_KERNELS_H
#define WATCHWORD_TRANSFORMER_KERNELS_H
#include <stddef.h>
#include <stdint.h>

/// LayerNorm over the last axis, biased variance: out (rows, W) from x (rows, W). `out` may be `x`.
void ww_layer_norm(float *out, const float *x, const float *weight, const float *bias, float epsilon, size_t rows,
                   size_t W);

/// Multi-head attention, softmax(q · kᵀ / sqrt(C)) · v, for the sequences [first, last).
///
/// qkv (B, T, 3W): queries, keys, values side by side. lengths (B): keys that count in each sequence (a prefix), or
/// NULL for all. causal: token t sees keys 0...t only. rows (B): the one query token wanted of each sequence, and out
/// is (B, W); or NULL for all, and out is (B, T, W). scratch: at least T * (C + 1) floats.
void ww_attention(float *out, const float *qkv, float *scratch, size_t first, size_t last, size_t T, size_t W, size_t H,
                  const int32_t *lengths, int causal, const int32_t *rows);

/// Divides each row (rows, W) by its L2 norm, in place; no epsilon, as the reference.
void ww_normalise_rows(float *x, size_t rows, size_t W);

/// Pictures to patches: out (B, g*g, 3*P*P), channel-major inside a patch as a convolution's kernel is, from interleaved
/// RGB bytes (B, R, R, 3): (byte / 255 - mean) / std, each step in float32 (CLIP4CLIP section 8). R = g * P.
void ww_patchify_bytes(float *out, const uint8_t *rgb, const float mean[3], const float std[3], size_t B, size_t R,
                       size_t P);

/// The same from normalised planes (B, 3, R, R), float32.
void ww_patchify_planes(float *out, const float *planes, size_t B, size_t R, size_t P);
#endif
