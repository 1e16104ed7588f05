/// The layout of rows for products with vectors: blocks of nearly equal size, of fourteen rows at most.
///
/// A block stores words of 32 bits (one float32, two bfloat16 or four bytes); equal words of its rows lie side by side.
/// A product then reads its rows as one stream. Rows at distances of a power of two would evict each other from the
/// cache.
#ifndef WATCHWORD_ROW_BLOCKS_H
#define WATCHWORD_ROW_BLOCKS_H
#include "numbers.h"
#include "runtime/vectors.h"

enum { BLOCK_ROWS = 14 };

INLINE size_t blocks_of(size_t R) { return (R + BLOCK_ROWS - 1) / BLOCK_ROWS; }

// The first row of block `i` of R rows; of block blocks_of(R), R.
INLINE size_t block_start(size_t R, size_t i) { return R * i / blocks_of(R); }

// The block that row `r` is in.
INLINE size_t block_of(size_t R, size_t r) { return ((r + 1) * blocks_of(R) - 1) / R; }

// Puts words [first, first + n) of rows [r, r + count), all of one block of R rows of `words` words, to their place in
// `blocks`, from `rows` (count, n). n is a whole number of vectors.
void put_in_block(float *blocks, size_t R, size_t r, size_t count, size_t words, size_t first, size_t n,
                  const float *rows);

// Rows that are made next, one after the other: row `i` of `numbers`. Where rows lie in blocks, they are made here, and
// then put there.
typedef struct row_run {
    ww_numbers numbers;
    size_t count;
    _Alignas(64) char memory[BLOCK_ROWS * WW_LONGEST_BLOCKED * sizeof(float)];
} row_run;

// The run that begins with row `r` of `out`, rows of W numbers, and ends before row `last` if not sooner.
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
