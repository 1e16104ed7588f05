/// Kernels of temporal heads, apart from products and blocks. All arrays are dense, row-major, float32; `out` aliases
/// no input. B = windows, T = frames of a window, W = width.
#ifndef WATCHWORD_HEAD_KERNELS_H
#define WATCHWORD_HEAD_KERNELS_H
#include <stddef.h>
#include <stdint.h>

/// Masked mean, the last step of every pooling head: out (B, W) = unit(mean of unit(x + residual)) over the first
/// lengths[b] frames.
///
/// x and residual (B, T, W); residual may be NULL. Each frame is read twice, the second time from the nearest cache, so
/// memory bandwidth is the limit. There is no epsilon, as in CLIP4Clip: a frame of zeros gives NaN
/// (docs/MATHEMATICS.md, section 6).
void ww_masked_mean(float *out, const float *x, const float *residual, const int32_t *lengths, size_t B, size_t T,
                    size_t W);

/// One step of an LSTM for B sequences: cell = σ(f)·cell + σ(i)·tanh(g), then hidden = σ(o)·tanh(cell).
///
/// gates (B, 4W): i, f, g, o side by side, before their activations, as PyTorch orders them. cell (B, W) is updated in
/// place and hidden (B, W) is written. With `first`, the cell's past counts as zero, whatever it holds. σ and tanh have
/// errors below 3e-7.
void ww_lstm_step(float *hidden, float *cell, const float *gates, int first, size_t B, size_t W);

/// Attention with one query for each pair of text and window: out (P, W) = softmax(q · k / sqrt(W / H)) · v.
///
/// q (P, W). k and v (rows, W) hold the frames of all windows: pair p sees the counts[p] rows from row first[p] on. H:
/// attention heads.
void ww_attend_pairs(float *out, const float *q, const float *k, const float *v, const int32_t *first,
                     const int32_t *counts, size_t P, size_t W, size_t H);

/// Computes out (P, T), the cosines of each pair's text (P, W) with T rows of frames (rows, W), from row first[p] on.
void ww_frame_cosines(float *out, const float *texts, const float *frames, const int32_t *first, size_t P, size_t T,
                      size_t W);

/// Computes out (P), the cosines of texts (P, W) with pooled (P, W).
///
/// With K > 0, out is the greatest cosine over k of texts + noise[k] · radius with pooled; radius (P, W), noise (K, W).
void ww_pair_cosines(float *out, const float *texts, const float *pooled, const float *radius, const float *noise,
                     size_t K, size_t P, size_t W);
#endif
