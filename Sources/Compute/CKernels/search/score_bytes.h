#ifndef WATCHWORD_SCORE_BYTES_H
#define WATCHWORD_SCORE_BYTES_H
#include "score_index.h"

/// A vector as bytes, and how far they are from it.
typedef struct as_bytes {
    double scale;   // 0 where the bytes say nothing
    double norm;    // of the vector
    double length;  // norm of scale * bytes
    double error;   // norm of the rotated vector - scale * bytes
    int32_t sum;    // of the bytes
    int finite;
} as_bytes;

/// q (P), signed, from x (width). work (P) is scratch.
void to_bytes(as_bytes *out, int8_t *q, const float *x, size_t width, double *work);

/// y (P) = the rotation of x (width).
void rotate_row(double *y, const float *x, size_t width);

/// Turns a rotated y (P) back in place: its first `width` numbers are the row's.
void rotate_back(double *y, size_t width);
#endif
