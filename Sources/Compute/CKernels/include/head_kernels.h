/// Kernels for temporal heads (models that turn a window's frames into one embedding or score).
///
/// All arrays are dense, row-major float32; `out` overlaps no input. B = windows, T = frames of a window, W = width.
#ifndef WATCHWORD_HEAD_KERNELS_H
#define WATCHWORD_HEAD_KERNELS_H
#include <stddef.h>
#include <stdint.h>

/// Computes out (B, W): unit(mean of unit(x + residual)) over the first lengths[b] frames of each window.
///
/// unit divides a vector by its norm. x and residual are (B, T, W); residual may be NULL. As in CLIP4Clip, no epsilon
/// is added: a frame of zeros gives NaN (docs/MATHEMATICS.md, section 6).
void ww_masked_mean(float *out, const float *x, const float *residual, const int32_t *lengths, size_t B, size_t T,
                    size_t W);

/// Computes one LSTM step of B sequences: cell = σ(f)·cell + σ(i)·tanh(g), then hidden = σ(o)·tanh(cell).
///
/// gates (B, 4W) are i, f, g and o side by side, before σ and tanh, in PyTorch's order. cell (B, W) is updated and
/// hidden (B, W) is written. If `first` is not 0, the previous cell is taken as zero. σ and tanh have errors below
/// 3e-7.
void ww_lstm_step(float *hidden, float *cell, const float *gates, int first, size_t B, size_t W);

/// Computes attention of one query per pair of a text and a window: out (P, W) = softmax(q · k / sqrt(W / H)) · v.
///
/// q is (P, W). k and v (rows, W) hold the frames of all windows; pair p uses counts[p] of them, from row first[p]. H =
/// attention heads.
void ww_attend_pairs(float *out, const float *q, const float *k, const float *v, const int32_t *first,
                     const int32_t *counts, size_t P, size_t W, size_t H);

/// Computes out (P, T): the cosines of each pair's text (P, W) with T rows of `frames` (rows, W), from row first[p].
void ww_frame_cosines(float *out, const float *texts, const float *frames, const int32_t *first, size_t P, size_t T,
                      size_t W);

/// Computes out (P): the cosine of row p of texts (P, W) with row p of pooled (P, W).
///
/// If K > 0, it is the greatest cosine over k of texts + noise[k] · radius; radius is (P, W) and noise (K, W).
void ww_pair_cosines(float *out, const float *texts, const float *pooled, const float *radius, const float *noise,
                     size_t K, size_t P, size_t W);
#endif
