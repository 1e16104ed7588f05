#ifndef WATCHWORD_ATTENTION_TILES_H
#define WATCHWORD_ATTENTION_TILES_H
#include "attention.h"


/// Whether this CPU and kernel let us use bfloat16 tiles (AMX).
int tiles_available(void);

/// Attention of one head by tiles: queries [first, last) of the sequence whose first row in qkv is `base`, into block
/// (rows padded to 16, stride W), columns [h * C, (h + 1) * C). scratch: tiles_scratch().
size_t tiles_scratch(size_t T, size_t C);
void tiles_begin(void);
void tiles_head(float *block, const ww_numbers *qkv, size_t base, size_t first, size_t last, size_t h, size_t length,
                const ww_attention_shape *shape, void *scratch);
void tiles_end(void);
#endif
