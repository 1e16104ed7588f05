#ifndef WATCHWORD_SCORE_BYTES_H
#define WATCHWORD_SCORE_BYTES_H
#include "score_index.h"

/// The scale, lengths and error bound of a vector that was rotated and quantised to bytes.
typedef struct as_bytes {
    double scale;   // value = scale * byte; 0 if the bytes say nothing
    double norm;    // norm of the vector
    double length;  // norm of scale * bytes
    double error;   // norm of the rotated vector - scale * bytes
    int32_t sum;    // sum of the bytes
    int finite;
} as_bytes;

/// Rotates x (width) and quantises it to signed bytes q (P). work (P) is scratch.
void to_bytes(as_bytes *out, int8_t *q, const float *x, size_t width, double *work);

/// Rotates x (width) into y (P), which makes its numbers similar in size, so that bytes lose less.
void rotate_row(double *y, const float *x, size_t width);

/// Reverses the rotation of y (P) in place; its first `width` numbers are the original vector.
void rotate_back(double *y, size_t width);
#endif
