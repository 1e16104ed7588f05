/// Multi-head attention. B = sequences, T = tokens of a sequence, W = width, H = attention heads, C = W / H.
#ifndef WATCHWORD_ATTENTION_H
#define WATCHWORD_ATTENTION_H
#include "numbers.h"

typedef struct ww_attention_shape {
    size_t B, T, W, H;
    const int32_t *lengths;  ///< (B): keys that count in each sequence (a prefix), or NULL for all
    const int32_t *rows;     ///< (B): the one query token wanted of each sequence, or NULL for all
    int causal;              ///< token t sees keys 0...t only
} ww_attention_shape;

/// The bytes of scratch memory that `ww_attention` needs, aligned to 64.
size_t ww_attention_scratch(const ww_attention_shape *shape);

/// Attention: out = softmax(q · kᵀ / sqrt(C)) · v.
///
/// out is (B, T, W), or (B, W) when `rows` selects one query of each sequence. qkv is (B, T, 3W): queries, keys and
/// values side by side. Where the CPU has tiles for bfloat16, products of numbers other than float32 are computed in
/// bfloat16.
void ww_attention(const ww_numbers *out, const ww_numbers *qkv, void *scratch, const ww_attention_shape *shape);

/// Applies rotary positions to rows (R, 3W) of queries, keys and values.
///
/// In each head of queries and keys, the numbers 2j and 2j + 1 turn by the angle j of the row's token. cosines and
/// sines (T, W / H / 2); R = sequences * T. out is F32 or BF16; it may be `qkv`, unless that holds sums.
void ww_rotate(const ww_numbers *out, const ww_numbers *qkv, const float *cosines, const float *sines, size_t R,
               size_t T, size_t W, size_t H);

/// Pools tokens: out (B, H, W) = means of each sequence's rows x (B, T, W), weighted by the softmax over the tokens of
/// scores (B, T, H).
void ww_pool_tokens(float *out, const float *x, const float *scores, size_t B, size_t T, size_t W, size_t H);
#endif
