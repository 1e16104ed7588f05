/// The kinds of number that pass between the products of a quantised or bfloat16 transformer, and their conversions. R
/// = rows (tokens), W = columns, row-major.
///
/// A product's input is float32, bfloat16, or bytes. Bytes are quantised by row when they are written: value = scale *
/// (byte - zero). A product of bytes gives int32 sums. `ww_columns` and the rows' scales turn these sums into values.
#ifndef WATCHWORD_NUMBERS_H
#define WATCHWORD_NUMBERS_H
#include <stddef.h>
#include <stdint.h>

/// The type of the numbers in an array.
typedef enum ww_kind { WW_F32 = 0, WW_BF16 = 1, WW_U8 = 2, WW_S32 = 3 } ww_kind;

/// The function applied to a product and its bias.
typedef enum ww_activation {
    WW_ACTIVATION_NONE = 0,
    WW_ACTIVATION_QUICK_GELU = 1,  ///< x * sigmoid(1.702 x)
    WW_ACTIVATION_GELU = 2,        ///< x * Phi(x), by erf
    WW_ACTIVATION_TANH_GELU = 3    ///< x * Phi(x), by tanh
} ww_activation;

/// The longest row of bfloat16 or bytes, in numbers: such rows are made on the stack.
enum { WW_LONGEST_ROW = 16384 };

/// The longest row, in numbers, that may be stored in row blocks.
enum { WW_LONGEST_BLOCKED = 4096 };

/// Turns a row's bytes into values: scale * (byte - zero). `zero` is a whole number.
typedef struct ww_row {
    float scale, zero;
} ww_row;

/// Turns a column's sums into values: row.scale * (sum * scale - row.zero * offset) + bias.
typedef struct ww_columns {
    const float *scale;   ///< (W): of the column's weights
    const float *offset;  ///< (W): scale * sum of the column's weights, as integers
    const float *bias;    ///< (W)
} ww_columns;

/// An array of numbers of one kind, which a kernel reads or writes.
typedef struct ww_numbers {
    ww_kind kind;
    void *data;                 ///< (R, W)
    ww_row *rows;               ///< (R) of WW_U8; of WW_S32, those of the product's input
    const ww_columns *columns;  ///< of WW_S32
    int top;         ///< largest byte of WW_U8: 255, or 127 where the CPU would saturate sums of two products
    size_t blocked;  ///< R, if the rows lie in blocks as products by vectors read them (row_blocks.h), else 0
} ww_numbers;

/// Adds the values of int32 sums to x.
void ww_add_sums(float *x, const ww_numbers *sums, size_t R, size_t W);

/// Writes out = activation(values of the sums), rows one after the other. The sums are overwritten.
void ww_finish_sums(const ww_numbers *out, const ww_numbers *sums, ww_activation activation, size_t R, size_t W);

/// Converts float32 x to the kind of `out`.
void ww_convert(const ww_numbers *out, const float *x, size_t R, size_t W);

/// Converts numbers of any kind to the kind of `out`.
void ww_requantise(const ww_numbers *out, const ww_numbers *in, size_t R, size_t W);

/// Converts numbers of any kind to float32 x.
void ww_values(float *x, const ww_numbers *in, size_t R, size_t W);
#endif
