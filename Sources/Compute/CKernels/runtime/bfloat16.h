/// bfloat16: the upper half of a float32.
#ifndef WATCHWORD_BFLOAT16_H
#define WATCHWORD_BFLOAT16_H
#include <stdint.h>
#include <string.h>

#include "runtime/inline.h"
#include "runtime/vectors.h"

// The bits of the nearest bfloat16, ties to even, from the bits of a float32: of one number, or of a vector's lanes.
#define BF16_ROUNDED(bits) (((bits) + 0x7FFF + (((bits) >> 16) & 1)) >> 16)

INLINE uint16_t bf16_from(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return (uint16_t)BF16_ROUNDED(bits);
}

INLINE float float_from(uint16_t half) {
    const uint32_t bits = (uint32_t)half << 16;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

INLINE void store_bf16(uint16_t *p, const vf *v) {
    const vi bits = (vi)*v;
    const vh narrow = __builtin_convertvector(BF16_ROUNDED(bits), vh);
    memcpy(p, &narrow, sizeof narrow);
}

INLINE void load_bf16(vf *v, const uint16_t *p) {
    vh narrow;
    memcpy(&narrow, p, sizeof narrow);
    *v = (vf)(__builtin_convertvector(narrow, vi) << 16);
}
#endif
