#include "weight_bytes.h"

// This file does not include vectors.h, whose pragma lets the compiler take sums and products in any order: a product
// with 1 / scale may then become a division by scale, and with a fused multiply-add a half is added to the product
// before it is rounded. Either rounds some weights to another byte. Packed weights are kept on disk and shared by the
// units that multiply them, so each step here is rounded as it is written, on every CPU.
void ww_weight_bytes(int8_t *bytes, float *scale, float *offset, const float *weight, size_t K) {
    float top = 0;
    for (size_t k = 0; k < K; k++) {
        const float size = __builtin_fabsf(weight[k]);
        top = size > top ? size : top;
    }
    *scale = top > 0 ? top / 127 : 1;
    const float step = 1 / *scale;
    int64_t sum = 0;
    for (size_t k = 0; k < K; k++) {
        const float v = weight[k] * step;
        // Conversion cuts off: half more, and it rounds. `scale` is rounded too, so that v may be beyond 127.
        const int whole = (int)(v < 0 ? v - 0.5f : v + 0.5f);
        bytes[k] = (int8_t)(whole > 127 ? 127 : whole < -127 ? -127 : whole);
        sum += bytes[k];
    }
    *offset = *scale * (float)sum;
}
