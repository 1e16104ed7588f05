/// The number types of activations between layers, and their conversions. R = rows (tokens), W = columns, row-major.
///
/// A product's input is float32, bfloat16 or bytes. Bytes are quantised row by row: value = scale * (byte - zero). A
/// product of bytes gives int32 sums, which `ww_columns` and the input rows' scales turn into values.
#ifndef WATCHWORD_NUMBERS_H
#define WATCHWORD_NUMBERS_H
#include <stddef.h>
#include <stdint.h>

/// The number type of an array: float32, bfloat16, bytes, or int32 sums of products of bytes.
typedef enum ww_kind { WW_F32 = 0, WW_BF16 = 1, WW_U8 = 2, WW_S32 = 3 } ww_kind;

/// The activation function of a linear layer.
typedef enum ww_activation {
    WW_ACTIVATION_NONE = 0,
    WW_ACTIVATION_QUICK_GELU = 1,  ///< x * sigmoid(1.702 x)
    WW_ACTIVATION_GELU = 2,        ///< x * Phi(x), by erf
    WW_ACTIVATION_TANH_GELU = 3    ///< x * Phi(x), by tanh
} ww_activation;

/// The longest row of bfloat16 or bytes, in numbers: kernels buffer one on the stack.
enum { WW_LONGEST_ROW = 16384 };

/// The longest row, in numbers, that may be stored in row blocks.
enum { WW_LONGEST_BLOCKED = 4096 };

/// The scale and zero point of a row of bytes: value = scale * (byte - zero). `zero` is a whole number.
typedef struct ww_row {
    float scale, zero;
} ww_row;

/// Per-column constants that turn int32 sums into values: row.scale * (sum * scale - row.zero * offset) + bias.
typedef struct ww_columns {
    const float *scale;   ///< (W): scale of the column's weights
    const float *offset;  ///< (W): scale * the sum of the column's weights as integers
    const float *bias;    ///< (W)
} ww_columns;

/// A matrix of numbers of one type, which a kernel reads or writes.
typedef struct ww_numbers {
    ww_kind kind;
    void *data;                 ///< (R, W)
    ww_row *rows;               ///< (R): scales of WW_U8 rows; for WW_S32, those of the product's input
    const ww_columns *columns;  ///< only for WW_S32
    int top;         ///< largest byte of WW_U8: 255, or 127 where the CPU would saturate sums of two products
    size_t blocked;  ///< R, if the rows are stored in row blocks (row_blocks.h), else 0
} ww_numbers;

/// Converts int32 sums (R, W) to values and adds them to x (R, W).
void ww_add_sums(float *x, const ww_numbers *sums, size_t R, size_t W);

/// Converts int32 sums to values, applies the activation function and writes `out`. The sums are overwritten.
void ww_finish_sums(const ww_numbers *out, const ww_numbers *sums, ww_activation activation, size_t R, size_t W);

/// Converts float32 x (R, W) to the number type of `out`.
void ww_convert(const ww_numbers *out, const float *x, size_t R, size_t W);

/// Converts `in`, of any number type, to the number type of `out`.
void ww_requantise(const ww_numbers *out, const ww_numbers *in, size_t R, size_t W);

/// Converts `in`, of any number type, to float32 x (R, W).
void ww_values(float *x, const ww_numbers *in, size_t R, size_t W);
#endif
