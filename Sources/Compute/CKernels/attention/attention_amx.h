#ifndef WATCHWORD_ATTENTION_AMX_H
#define WATCHWORD_ATTENTION_AMX_H
#include "attention.h"

/// Computes the attention of one head h with AMX tiles, for the queries [first, last) of one sequence.
///
/// `base` is the sequence's first row in qkv; only its first `length` keys are used. The result goes to columns [h * C,
/// (h + 1) * C) of `block`, whose rows are padded to 16 and W apart. `scratch` has attention_amx_scratch() bytes.
size_t attention_amx_scratch(size_t T, size_t C);
void attention_amx_head(float *block, const ww_numbers *qkv, size_t base, size_t first, size_t last, size_t h,
                        size_t length, const ww_attention_shape *shape, void *scratch);
#endif
