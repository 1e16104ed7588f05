/// Multi-head attention: B = sequences, T = tokens of a sequence, W = width, H = attention heads, C = W / H.
#ifndef WATCHWORD_ATTENTION_H
#define WATCHWORD_ATTENTION_H
#include "numbers.h"

typedef struct ww_attention_shape {
    size_t B, T, W, H;
    const int32_t *lengths;  ///< (B): number of keys used in each sequence, or NULL for all
    const int32_t *rows;     ///< (B): the one token of each sequence to compute, or NULL for all
    int causal;              ///< 1 if token t attends only to tokens 0...t, else 0
} ww_attention_shape;

/// Returns the bytes of scratch memory, aligned to 64, that `ww_attention` needs.
size_t ww_attention_scratch(const ww_attention_shape *shape);

/// Computes attention: out = softmax(q · kᵀ / sqrt(C)) · v.
///
/// out is (B, T, W), or (B, W) if `shape->rows` selects one token of each sequence. qkv is (B, T, 3W): query, key and
/// value side by side. If the CPU has AMX tiles for bfloat16, products of numbers other than float32 are computed in
/// bfloat16.
void ww_attention(const ww_numbers *out, const ww_numbers *qkv, void *scratch, const ww_attention_shape *shape);

/// Applies rotary position embeddings to the queries and keys in qkv (R, 3W); R = sequences * T.
///
/// In each of H heads, the numbers 2j and 2j + 1 are rotated by angle j of the row's token. cosines and sines are (T, W
/// / H / 2). out is WW_F32 or WW_BF16; it may be `qkv`, unless that holds int32 sums.
void ww_rotate(const ww_numbers *out, const ww_numbers *qkv, const float *cosines, const float *sines, size_t R,
               size_t T, size_t W, size_t H);

/// Computes out (B, H, W): each attention head's weighted mean of each sequence's tokens x (B, T, W).
///
/// The weights are the softmax over the T tokens of scores (B, T, H).
void ww_pool_tokens(float *out, const float *x, const float *scores, size_t B, size_t T, size_t W, size_t H);
#endif
