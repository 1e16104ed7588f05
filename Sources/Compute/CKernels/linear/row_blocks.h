/// The layout of input rows for the vector kernels: blocks of nearly equal size, with at most fourteen rows each.
///
/// A block stores 32-bit words (one float32, two bfloat16 or four bytes); words of the same column are side by side. A
/// product then reads its rows as one stream, and rows do not evict each other from the cache.
#ifndef WATCHWORD_ROW_BLOCKS_H
#define WATCHWORD_ROW_BLOCKS_H
#include "numbers.h"
#include "runtime/vectors.h"

enum { BLOCK_ROWS = 14 };

INLINE size_t blocks_of(size_t R) { return (R + BLOCK_ROWS - 1) / BLOCK_ROWS; }

// Returns the first row of block `i` of R rows; R for i = blocks_of(R).
INLINE size_t block_start(size_t R, size_t i) { return R * i / blocks_of(R); }

// Returns the block that contains row `r`.
INLINE size_t block_of(size_t R, size_t r) { return ((r + 1) * blocks_of(R) - 1) / R; }

// Stores words [first, first + n) of the rows [r, r + count) in `blocks`; they come from `rows` (count, n).
//
// All these rows must be in one block of R rows of `words` words, and n must be a whole number of vectors.
void put_in_block(float *blocks, size_t R, size_t r, size_t count, size_t words, size_t first, size_t n,
                  const float *rows);

// A run of rows to be written, one after the other: row `i` of `numbers`. If the output is stored in row blocks, they
// are written to `memory` first and moved by end_run.
typedef struct row_run {
    ww_numbers numbers;
    size_t count;
    _Alignas(64) char memory[BLOCK_ROWS * WW_LONGEST_BLOCKED * sizeof(float)];
} row_run;

// Begins the run of rows from row `r` of `out`, up to the end of its block or to row `last`; rows have W numbers.
INLINE void begin_run(row_run *run, const ww_numbers *out, size_t r, size_t last, size_t W) {
    run->numbers = *out;
    if (out->rows) run->numbers.rows += r;
    if (out->blocked) {
        const size_t end = block_start(out->blocked, block_of(out->blocked, r) + 1);
        run->count = (end < last ? end : last) - r;
        run->numbers.data = run->memory;
        run->numbers.blocked = 0;
    } else {
        run->count = last - r;
        run->numbers.data = (char *)out->data + r * W * (out->kind == WW_U8 ? 1 : out->kind == WW_BF16 ? 2 : 4);
    }
}

INLINE void end_run(const row_run *run, const ww_numbers *out, size_t r, size_t W) {
    const size_t words = out->kind == WW_U8 ? W / 4 : out->kind == WW_BF16 ? W / 2 : W;
    if (out->blocked) put_in_block(out->data, out->blocked, r, run->count, words, 0, words, (const float *)run->memory);
}
#endif
