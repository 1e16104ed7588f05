/// The numbers between the products of a quantised or bfloat16 transformer, and their conversions. R = rows (tokens),
/// W = columns, row-major.
///
/// A product's input is float32, bfloat16, or bytes. Bytes are quantised by row, when they are made: value = scale *
/// (byte - zero). A product of bytes leaves int32 sums, which `ww_columns` and the rows' scales turn into values.
#ifndef WATCHWORD_NUMBERS_H
#define WATCHWORD_NUMBERS_H
#include <stddef.h>
#include <stdint.h>

/// How numbers are written.
typedef enum ww_kind { WW_F32 = 0, WW_BF16 = 1, WW_U8 = 2, WW_S32 = 3 } ww_kind;

/// What follows a product and its bias.
typedef enum ww_activation {
    WW_ACTIVATION_NONE = 0,
    WW_ACTIVATION_QUICK_GELU = 1,  ///< x * sigmoid(1.702 x)
    WW_ACTIVATION_GELU = 2,        ///< x * Phi(x), by erf
    WW_ACTIVATION_TANH_GELU = 3    ///< x * Phi(x), by tanh
} ww_activation;

/// Rows of bfloat16 or bytes are made on the stack: no longer than this.
enum { WW_LONGEST_ROW = 16384 };

/// The longest rows that may lie in blocks.
enum { WW_LONGEST_BLOCKED = 4096 };

/// How a row's bytes become values. `zero` is a whole number.
typedef struct ww_row {
    float scale, zero;
} ww_row;

/// How a column's sums become values: row.scale * (sum * scale - row.zero * offset) + bias.
typedef struct ww_columns {
    const float *scale;   ///< (W): of the column's weights
    const float *offset;  ///< (W): scale * sum of the column's weights, as integers
    const float *bias;    ///< (W)
} ww_columns;

/// Numbers of some kind: what a kernel reads or writes.
typedef struct ww_numbers {
    ww_kind kind;
    void *data;                 ///< (R, W)
    ww_row *rows;               ///< (R) of WW_U8; of WW_S32, those of the product's input
    const ww_columns *columns;  ///< of WW_S32
    int top;         ///< largest byte of WW_U8: 255, or 127 where the CPU would saturate sums of two products
    size_t blocked;  ///< R, if the rows lie in blocks as products by vectors read them (row_blocks.h), else 0
} ww_numbers;

/// x += values of the sums.
void ww_add_sums(float *x, const ww_numbers *sums, size_t R, size_t W);

/// out, rows one after the other, = activation(values of the sums). The sums are overwritten.
void ww_finish_sums(const ww_numbers *out, const ww_numbers *sums, ww_activation activation, size_t R, size_t W);

/// out = x, float32, in out's kind.
void ww_convert(const ww_numbers *out, const float *x, size_t R, size_t W);

/// out = in, in out's kind.
void ww_requantise(const ww_numbers *out, const ww_numbers *in, size_t R, size_t W);

/// x = the values of numbers of any kind.
void ww_values(float *x, const ww_numbers *in, size_t R, size_t W);
#endif
