#ifndef WATCHWORD_SCORE_BYTES_H
#define WATCHWORD_SCORE_BYTES_H
#include "score_index.h"

/// The description of a vector as bytes: scale, length and error bound.
typedef struct as_bytes {
    double scale;   // 0 where the bytes say nothing
    double norm;    // of the vector
    double length;  // norm of scale * bytes
    double error;   // norm of the rotated vector - scale * bytes
    int32_t sum;    // of the bytes
    int finite;
} as_bytes;

/// Quantises x (width) to signed bytes q (P). work (P) is scratch.
void to_bytes(as_bytes *out, int8_t *q, const float *x, size_t width, double *work);

/// Rotates x (width) into y (P).
void rotate_row(double *y, const float *x, size_t width);

/// Reverses the rotation of y (P) in place: its first `width` numbers are the row's.
void rotate_back(double *y, size_t width);
#endif
