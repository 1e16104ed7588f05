// Rows of a history as bytes, and back.
#include "history_rows.h"

#include <math.h>
#include <string.h>

#include "runtime/variants.h"
#include "score_index.h"
#include "search/history_sum.h"
#include "search/score_bytes.h"

VARIANTS
uint64_t ww_history_sum(const void *bytes, size_t count) {
    checksum sum = {{0}, {0}};
    checksum_add(&sum, bytes, count);
    return checksum_end(&sum, count);
}

VARIANTS
int ww_history_pack(int8_t *high, int8_t *low, float *scale, float *length, const float *x, size_t width,
                    double *work) {
    const size_t P = ww_score_padded(width);
    memset(high, 0, P);
    memset(low, 0, P);
    *scale = *length = 0;
    double squares = 0, top = 0;
    for (size_t i = 0; i < width; i++) squares += (double)x[i] * x[i];
    const double norm = sqrt(squares);
    if (!(norm > 0x1p-60 && norm < 0x1p60)) return 0;
    rotate_row(work, x, width);
    for (size_t i = 0; i < P; i++) top = fabs(work[i]) > top ? fabs(work[i]) : top;
    *length = (float)norm;
    *scale = (float)(top / norm / 127);
    const double step = 256 / ((double)*scale * norm);
    for (size_t i = 0; i < P; i++) {
        const int32_t whole = (int32_t)lrint(work[i] * step), upper = (whole + 128) >> 8;
        high[i] = (int8_t)upper;
        low[i] = (int8_t)(whole - 256 * upper);
    }
    return 1;
}

void ww_history_unpack(float *x, const int8_t *high, const int8_t *low, float scale, float length, size_t width,
                       double *work) {
    const size_t P = ww_score_padded(width);
    const double step = (double)scale / 256 * length;
    for (size_t i = 0; i < P; i++) work[i] = step * (256 * high[i] + low[i]);
    rotate_back(work, width);
    for (size_t i = 0; i < width; i++) x[i] = (float)work[i];
}

// Whole numbers of x (P), value = step * q.
static void text_bytes(int8_t *q, float *step, int32_t *offset, const double *x, size_t P) {
    double top = 0;
    for (size_t i = 0; i < P; i++) top = fabs(x[i]) > top ? fabs(x[i]) : top;
    *step = top > 0 && top < INFINITY ? (float)(top / WW_HISTORY_TEXT) : 0;
    int32_t sum = 0;
    for (size_t i = 0; i < P; i++) {
        q[i] = *step > 0 ? (int8_t)lrint(fmin(fmax(x[i] / *step, -WW_HISTORY_TEXT), WW_HISTORY_TEXT)) : 0;
        sum += q[i];
    }
    *offset = 128 * sum;
}

void ww_history_text(int8_t *q, float *step, int32_t *offset, double *rotated, const float *x, size_t width) {
    rotate_row(rotated, x, width);
    text_bytes(q, step, offset, rotated, ww_score_padded(width));
}

void ww_history_rest(int8_t *rest, float *rest_step, int32_t *rest_offset, const double *rotated, const int8_t *q,
                     float step, size_t P, double *work) {
    for (size_t i = 0; i < P; i++) work[i] = rotated[i] - (double)step * q[i];
    text_bytes(rest, rest_step, rest_offset, work, P);
}

VARIANTS
double ww_history_exact(const int8_t *high, const int8_t *low, float scale, const double *rotated, size_t P) {
    double sums[8] = {0};
    for (size_t i = 0; i < P; i += 8)
        for (size_t k = 0; k < 8; k++) sums[k] += (256 * high[i + k] + low[i + k]) * rotated[i + k];
    double total = 0;
    for (int k = 0; k < 8; k++) total += sums[k];
    return total * scale / 256;
}

VARIANTS
double ww_history_push(double *sum, float *kept, const int8_t *high, const int8_t *low, float scale, size_t P) {
    double squares[8] = {0};
    const float step = scale / 256;
    for (size_t i = 0; i < P; i += 8) {
        for (size_t k = i; k < i + 8; k++) {
            const float value = step * (float)(256 * high[k] + low[k]);
            sum[k] += (double)value - kept[k];
            kept[k] = value;
            squares[k - i] += sum[k] * sum[k];
        }
    }
    double total = 0;
    for (int k = 0; k < 8; k++) total += squares[k];
    return sqrt(total);
}
