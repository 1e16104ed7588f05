#ifndef WATCHWORD_ATTENTION_AMX_H
#define WATCHWORD_ATTENTION_AMX_H
#include "attention.h"

/// Computes the attention of one head with AMX tiles, for queries [first, last) of one sequence. `base` is the
/// sequence's first row in qkv. The result goes to `block` (rows padded to 16, stride W), columns [h * C, (h + 1) * C).
/// scratch: attention_amx_scratch() bytes.
size_t attention_amx_scratch(size_t T, size_t C);
void attention_amx_head(float *block, const ww_numbers *qkv, size_t base, size_t first, size_t last, size_t h,
                        size_t length, const ww_attention_shape *shape, void *scratch);
#endif
