#include "training_kernels.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "parallel.h"
#include "runtime/inline.h"
#include "runtime/variants.h"

void ww_keep_memory(void) {
#ifdef __GLIBC__
    mallopt(M_MMAP_THRESHOLD, 1 << 30);
    mallopt(M_TRIM_THRESHOLD, INT32_MAX);
#endif
}

// Sums may be taken in any order: that is what lets them be vectors.
#pragma clang fp reassociate(on) contract(fast)

#include "runtime/exponential.h"

enum {
    PIECE = 8192,  // numbers that a worker takes at a time
    BLOCK = 64     // columns of which a worker sums all rows
};

static size_t pieces(size_t count, size_t size) { return (count + size - 1) / size; }
static size_t end_of(size_t last, size_t size, size_t count) { return last * size < count ? last * size : count; }

// e^x within 2 ulp, clamped to what float32 holds.
INLINE float exp_f32(float x) { return exponential(x > 88.0f ? 88.0f : x); }

#define REAL float
#define NAME WW_F32
#define LOCAL(name) f32_##name
#define EXP exp_f32
#define SQRT sqrtf
#define ERF erff
#include "training/training_bodies.h"
#undef REAL
#undef NAME
#undef LOCAL
#undef EXP
#undef SQRT
#undef ERF

#define REAL double
#define NAME WW_F64
#define LOCAL(name) f64_##name
#define EXP exp
#define SQRT sqrt
#define ERF erf
#include "training/training_bodies.h"
