#include "training_kernels.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "parallel.h"
#include "variants.h"

void ww_keep_memory(void) {
#ifdef __GLIBC__
    mallopt(M_MMAP_THRESHOLD, 1 << 30);
    mallopt(M_TRIM_THRESHOLD, INT32_MAX);
#endif
}

// Sums may be taken in any order: that is what lets them be vectors.
#pragma clang fp reassociate(on) contract(fast)

enum {
    PIECE = 8192,  // numbers that a worker takes at a time
    BLOCK = 64     // columns of which a worker sums all rows
};

static size_t pieces(size_t count, size_t size) { return (count + size - 1) / size; }
static size_t end_of(size_t last, size_t size, size_t count) { return last * size < count ? last * size : count; }

// e^x within 2 ulp, clamped to what float32 holds; loops with it become vectors (Cephes' expf).
static inline __attribute__((always_inline)) float exp_f32(float x) {
    x = x < -87.3f ? -87.3f : x > 88.0f ? 88.0f : x;
    const float n = floorf(x * 1.44269504f + 0.5f);
    const float f = x - n * 0.693359375f + n * 2.12194440e-4f;
    float p = 1.9875691500e-4f;
    p = p * f + 1.3981999507e-3f;
    p = p * f + 8.3334519073e-3f;
    p = p * f + 4.1665795894e-2f;
    p = p * f + 1.6666665459e-1f;
    p = p * f + 5.0000001201e-1f;
    p = p * f * f + f + 1.0f;
    const int32_t bits = ((int32_t)n + 127) << 23;
    float power;
    memcpy(&power, &bits, sizeof power);
    return p * power;
}

#define REAL float
#define NAME WW_F32
#define LOCAL(name) f32_##name
#define EXP exp_f32
#define SQRT sqrtf
#include "training_bodies.h"
#undef REAL
#undef NAME
#undef LOCAL
#undef EXP
#undef SQRT

#define REAL double
#define NAME WW_F64
#define LOCAL(name) f64_##name
#define EXP exp
#define SQRT sqrt
#include "training_bodies.h"
