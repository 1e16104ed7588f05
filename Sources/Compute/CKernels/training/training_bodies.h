// Included by training_kernels.c once for each REAL.

typedef struct LOCAL(work) {
    REAL *out, *out2, *out3;
    const REAL *in, *in2, *in3, *in4;
    double epsilon;
    size_t N, W;
} LOCAL(work);

VARIANTS
static void LOCAL(norm_rows)(void *context, size_t first, size_t last, size_t worker) {
    const LOCAL(work) *w = context;
    (void)worker;
    const size_t W = w->W;
    for (size_t r = first; r < last; r++) {
        const REAL *x = w->in + r * W;
        REAL *y = w->out + r * W, *normalised = w->out2 + r * W;
        REAL mean = 0, variance = 0;
        for (size_t i = 0; i < W; i++) mean += x[i];
        mean /= (REAL)W;
        for (size_t i = 0; i < W; i++) variance += (x[i] - mean) * (x[i] - mean);
        const REAL inverse = 1 / SQRT(variance / (REAL)W + (REAL)w->epsilon);
        w->out3[r] = inverse;
        for (size_t i = 0; i < W; i++) {
            normalised[i] = (x[i] - mean) * inverse;
            y[i] = normalised[i] * w->in2[i] + w->in3[i];
        }
    }
}

void NAME(layer_norm)(REAL *y, REAL *normalised, REAL *inverse, const REAL *x, const REAL *weight, const REAL *bias,
                      double epsilon, size_t N, size_t W) {
    LOCAL(work) w = {.out = y,
                     .out2 = normalised,
                     .out3 = inverse,
                     .in = x,
                     .in2 = weight,
                     .in3 = bias,
                     .epsilon = epsilon,
                     .N = N,
                     .W = W};
    ww_parallel(N, LOCAL(norm_rows), &w);
}

VARIANTS
static void LOCAL(norm_back_rows)(void *context, size_t first, size_t last, size_t worker) {
    const LOCAL(work) *w = context;
    (void)worker;
    const size_t W = w->W;
    for (size_t r = first; r < last; r++) {
        const REAL *dy = w->in + r * W, *normalised = w->in2 + r * W, *weight = w->in4;
        REAL *dx = w->out + r * W;
        REAL sum = 0, dot = 0;
        for (size_t i = 0; i < W; i++) {
            const REAL scaled = dy[i] * weight[i];
            sum += scaled;
            dot += scaled * normalised[i];
        }
        sum /= (REAL)W;
        dot /= (REAL)W;
        const REAL inverse = w->in3[r];
        for (size_t i = 0; i < W; i++) dx[i] = (dy[i] * weight[i] - sum - normalised[i] * dot) * inverse;
    }
}

VARIANTS
static void LOCAL(norm_back_columns)(void *context, size_t first, size_t last, size_t worker) {
    const LOCAL(work) *w = context;
    (void)worker;
    const size_t W = w->W, from = first * BLOCK, to = end_of(last, BLOCK, W);
    for (size_t r = 0; r < w->N; r++) {
        const REAL *dy = w->in + r * W, *normalised = w->in2 + r * W;
        for (size_t i = from; i < to; i++) {
            w->out2[i] += dy[i] * normalised[i];
            w->out3[i] += dy[i];
        }
    }
}

void NAME(layer_norm_back)(REAL *dx, REAL *dweight, REAL *dbias, const REAL *dy, const REAL *normalised,
                           const REAL *inverse, const REAL *weight, size_t N, size_t W) {
    LOCAL(work) w = {.out = dx,
                     .out2 = dweight,
                     .out3 = dbias,
                     .in = dy,
                     .in2 = normalised,
                     .in3 = inverse,
                     .in4 = weight,
                     .N = N,
                     .W = W};
    ww_parallel(N, LOCAL(norm_back_rows), &w);
    ww_parallel(pieces(W, BLOCK), LOCAL(norm_back_columns), &w);
}

VARIANTS
static void LOCAL(quick_gelu_pieces)(void *context, size_t first, size_t last, size_t worker) {
    const LOCAL(work) *w = context;
    (void)worker;
    const size_t to = end_of(last, PIECE, w->N);
    for (size_t i = first * PIECE; i < to; i++) {
        const REAL x = w->in[i];
        w->out[i] = x / (1 + EXP((REAL)-1.702 * x));
    }
}

void NAME(quick_gelu)(REAL *y, const REAL *x, size_t count) {
    LOCAL(work) w = {.out = y, .in = x, .N = count};
    ww_parallel(pieces(count, PIECE), LOCAL(quick_gelu_pieces), &w);
}

VARIANTS
static void LOCAL(quick_gelu_back_pieces)(void *context, size_t first, size_t last, size_t worker) {
    const LOCAL(work) *w = context;
    (void)worker;
    const size_t to = end_of(last, PIECE, w->N);
    for (size_t i = first * PIECE; i < to; i++) {
        const REAL x = w->in2[i], gate = 1 / (1 + EXP((REAL)-1.702 * x));
        w->out[i] = w->in[i] * (gate + (REAL)1.702 * x * gate * (1 - gate));
    }
}

void NAME(quick_gelu_back)(REAL *dx, const REAL *dy, const REAL *x, size_t count) {
    LOCAL(work) w = {.out = dx, .in = dy, .in2 = x, .N = count};
    ww_parallel(pieces(count, PIECE), LOCAL(quick_gelu_back_pieces), &w);
}

// Not vectorised: the C library's erf is exact to the last place, and a step's products take far longer.
static void LOCAL(gelu_pieces)(void *context, size_t first, size_t last, size_t worker) {
    const LOCAL(work) *w = context;
    (void)worker;
    const size_t to = end_of(last, PIECE, w->N);
    for (size_t i = first * PIECE; i < to; i++) {
        const REAL x = w->in[i];
        w->out[i] = (REAL)0.5 * x * (1 + ERF((REAL)0.70710678118654752440 * x));
    }
}

void NAME(gelu)(REAL *y, const REAL *x, size_t count) {
    LOCAL(work) w = {.out = y, .in = x, .N = count};
    ww_parallel(pieces(count, PIECE), LOCAL(gelu_pieces), &w);
}

// The derivative of GELU at x is the normal distribution's mass below x, plus x times its density at x.
static void LOCAL(gelu_back_pieces)(void *context, size_t first, size_t last, size_t worker) {
    const LOCAL(work) *w = context;
    (void)worker;
    const size_t to = end_of(last, PIECE, w->N);
    for (size_t i = first * PIECE; i < to; i++) {
        const REAL x = w->in2[i];
        const REAL below = (REAL)0.5 * (1 + ERF((REAL)0.70710678118654752440 * x));
        const REAL density = (REAL)0.39894228040143267794 * EXP((REAL)-0.5 * x * x);
        w->out[i] = w->in[i] * (below + x * density);
    }
}

void NAME(gelu_back)(REAL *dx, const REAL *dy, const REAL *x, size_t count) {
    LOCAL(work) w = {.out = dx, .in = dy, .in2 = x, .N = count};
    ww_parallel(pieces(count, PIECE), LOCAL(gelu_back_pieces), &w);
}

VARIANTS
static void LOCAL(add_piece)(void *context, size_t first, size_t last, size_t worker) {
    const LOCAL(work) *w = context;
    (void)worker;
    const size_t to = end_of(last, PIECE, w->N);
    for (size_t i = first * PIECE; i < to; i++) w->out[i] += w->in[i];
}

void NAME(add)(REAL *y, const REAL *x, size_t count) {
    LOCAL(work) w = {.out = y, .in = x, .N = count};
    ww_parallel(pieces(count, PIECE), LOCAL(add_piece), &w);
}

static void LOCAL(fill)(void *context, size_t first, size_t last, size_t worker) {
    const LOCAL(work) *w = context;
    (void)worker;
    for (size_t r = first; r < last; r++) memcpy(w->out + r * w->W, w->in, w->W * sizeof(REAL));
}

void NAME(fill_rows)(REAL *y, const REAL *x, size_t N, size_t W) {
    LOCAL(work) w = {.out = y, .in = x, .N = N, .W = W};
    ww_parallel(N, LOCAL(fill), &w);
}

VARIANTS
static void LOCAL(sum_columns)(void *context, size_t first, size_t last, size_t worker) {
    const LOCAL(work) *w = context;
    (void)worker;
    const size_t W = w->W, from = first * BLOCK, to = end_of(last, BLOCK, W);
    for (size_t r = 0; r < w->N; r++)
        for (size_t i = from; i < to; i++) w->out[i] += w->in[r * W + i];
}

void NAME(add_columns)(REAL *sums, const REAL *x, size_t N, size_t W) {
    LOCAL(work) w = {.out = sums, .in = x, .N = N, .W = W};
    ww_parallel(pieces(W, BLOCK), LOCAL(sum_columns), &w);
}

typedef struct LOCAL(attention) {
    REAL *out, *probabilities;
    const REAL *dcontext, *packed, *known;
    const ww_heads *heads;
} LOCAL(attention);

typedef REAL LOCAL(lanes) __attribute__((vector_size(64)));

// out (n) = the sum over i < count of a[i * step] * x[i * stride + ...]; four vectors of sums stay in registers.
INLINE void LOCAL(gather)(REAL *out, const REAL *a, size_t step, const REAL *x, size_t stride, size_t count, size_t n) {
    enum { WIDE = sizeof(LOCAL(lanes)) / sizeof(REAL) };
    size_t c = 0;
    for (; c + 4 * WIDE <= n; c += 4 * WIDE) {
        LOCAL(lanes) sums[4] = {{0}, {0}, {0}, {0}}, v[4];
        for (size_t i = 0; i < count; i++) {
            const REAL factor = a[i * step];
            memcpy(v, x + i * stride + c, sizeof v);
            sums[0] += factor * v[0];
            sums[1] += factor * v[1];
            sums[2] += factor * v[2];
            sums[3] += factor * v[3];
        }
        memcpy(out + c, sums, sizeof sums);
    }
    for (; c + WIDE <= n; c += WIDE) {
        LOCAL(lanes) sum = {0}, v;
        for (size_t i = 0; i < count; i++) {
            memcpy(&v, x + i * stride + c, sizeof v);
            sum += a[i * step] * v;
        }
        memcpy(out + c, &sum, sizeof sum);
    }
    for (; c < n; c++) {
        REAL sum = 0;
        for (size_t i = 0; i < count; i++) sum += a[i * step] * x[i * stride + c];
        out[c] = sum;
    }
}

// Transposes rows (T, d), `stride` apart, to out (d, T).
INLINE void LOCAL(turn)(REAL *restrict out, const REAL *restrict rows, size_t stride, size_t T, size_t d) {
    for (size_t t = 0; t < T; t++)
        for (size_t i = 0; i < d; i++) out[i * T + t] = rows[t * stride + i];
}

VARIANTS
static void LOCAL(attend_pairs)(void *context, size_t first, size_t last, size_t worker) {
    const LOCAL(attention) *w = context;
    (void)worker;
    const size_t T = w->heads->T, W = w->heads->W, H = w->heads->H, d = W / H, stride = 3 * W;
    const REAL scale = 1 / SQRT((REAL)d);
    REAL *keys = malloc(T * d * sizeof(REAL));
    if (!keys) abort();
    for (size_t pair = first; pair < last; pair++) {
        const size_t b = pair / H, h = pair % H;
        const REAL *q = w->packed + b * T * stride + h * d, *k = q + W, *v = k + W;
        REAL *P = w->probabilities + pair * T * T;
        LOCAL(turn)(keys, k, stride, T, d);
        for (size_t t = 0; t < T; t++) {
            const size_t seen = w->heads->causal ? t + 1 : T;
            REAL *row = P + t * T, largest = -INFINITY, sum = 0;
            LOCAL(gather)(row, q + t * stride, 1, keys, T, d, seen);
            for (size_t s = 0; s < seen; s++) row[s] *= scale;
            for (size_t s = seen; s < T; s++) row[s] = 0;
            if (w->heads->lengths)
                for (size_t s = (size_t)w->heads->lengths[b]; s < T; s++) row[s] -= (REAL)1e6;
            for (size_t s = 0; s < seen; s++) largest = row[s] > largest ? row[s] : largest;
            for (size_t s = 0; s < seen; s++) row[s] = EXP(row[s] - largest);
            for (size_t s = 0; s < seen; s++) sum += row[s];
            // The weights of masked keys are too small for float32, so they are set to exactly zero.
            if (w->heads->lengths && (size_t)w->heads->lengths[b] < T && w->heads->lengths[b] > 0) {
                for (size_t s = (size_t)w->heads->lengths[b]; s < T; s++) {
                    sum -= row[s];
                    row[s] = 0;
                }
            }
            for (size_t s = 0; s < seen; s++) row[s] /= sum;
            LOCAL(gather)(w->out + (b * T + t) * W + h * d, row, 1, v, stride, seen, d);
        }
    }
    free(keys);
}

void NAME(attend)(REAL *context, REAL *probabilities, const REAL *packed, const ww_heads *heads) {
    LOCAL(attention) w = {.out = context, .probabilities = probabilities, .packed = packed, .heads = heads};
    ww_parallel(heads->B * heads->H, LOCAL(attend_pairs), &w);
}

VARIANTS
static void LOCAL(attend_back_pairs)(void *context, size_t first, size_t last, size_t worker) {
    const LOCAL(attention) *w = context;
    (void)worker;
    const size_t T = w->heads->T, W = w->heads->W, H = w->heads->H, d = W / H, stride = 3 * W;
    const REAL scale = 1 / SQRT((REAL)d);
    REAL *values = malloc((T * d + T * T) * sizeof(REAL));
    if (!values) abort();
    REAL *dscores = values + T * d;
    for (size_t pair = first; pair < last; pair++) {
        const size_t b = pair / H, h = pair % H;
        const REAL *q = w->packed + b * T * stride + h * d, *k = q + W, *v = k + W;
        REAL *dq = w->out + b * T * stride + h * d, *dk = dq + W, *dv = dk + W;
        const REAL *P = w->known + pair * T * T, *dcontext = w->dcontext + b * T * W + h * d;
        LOCAL(turn)(values, v, stride, T, d);
        for (size_t t = 0; t < T; t++) {
            const REAL *row = P + t * T;
            REAL *out = dscores + t * T, dot = 0;
            LOCAL(gather)(out, dcontext + t * W, 1, values, T, d, T);
            for (size_t s = 0; s < T; s++) dot += out[s] * row[s];
            for (size_t s = 0; s < T; s++) out[s] = (out[s] - dot) * row[s] * scale;
            LOCAL(gather)(dq + t * stride, out, 1, k, stride, T, d);
        }
        for (size_t s = 0; s < T; s++) {
            LOCAL(gather)(dk + s * stride, dscores + s, T, q, stride, T, d);
            LOCAL(gather)(dv + s * stride, P + s, T, dcontext, W, T, d);
        }
    }
    free(values);
}

void NAME(attend_back)(REAL *dpacked, const REAL *dcontext, const REAL *packed, const REAL *probabilities,
                       const ww_heads *heads) {
    LOCAL(attention) w = {
        .out = dpacked, .dcontext = dcontext, .packed = packed, .known = probabilities, .heads = heads};
    ww_parallel(heads->B * heads->H, LOCAL(attend_back_pairs), &w);
}

typedef struct LOCAL(sums) {
    const REAL *x;
    double *parts;
    size_t count;
} LOCAL(sums);

VARIANTS
static void LOCAL(square_pieces)(void *context, size_t first, size_t last, size_t worker) {
    const LOCAL(sums) *w = context;
    (void)worker;
    for (size_t piece = first; piece < last; piece++) {
        const size_t to = end_of(piece + 1, PIECE, w->count);
        double sum = 0;
        for (size_t i = piece * PIECE; i < to; i++) sum += (double)w->x[i] * (double)w->x[i];
        w->parts[piece] = sum;
    }
}

double NAME(squares)(const REAL *x, size_t count) {
    double few[256], sum = 0;
    const size_t parts = pieces(count, PIECE);
    LOCAL(sums) w = {.x = x, .parts = parts <= 256 ? few : malloc(parts * sizeof(double)), .count = count};
    if (!w.parts) abort();
    ww_parallel(parts, LOCAL(square_pieces), &w);
    for (size_t i = 0; i < parts; i++) sum += w.parts[i];
    if (w.parts != few) free(w.parts);
    return sum;
}

typedef struct LOCAL(adam_work) {
    REAL *p, *m, *v;
    const REAL *g;
    size_t count;
    ww_adam_step step;
} LOCAL(adam_work);

VARIANTS
static void LOCAL(adam_pieces)(void *context, size_t first, size_t last, size_t worker) {
    const LOCAL(adam_work) *w = context;
    (void)worker;
    const REAL scale = (REAL)w->step.scale, rate = (REAL)w->step.rate, shrink = (REAL)w->step.shrink;
    const REAL decay = (REAL)w->step.decay, root = (REAL)w->step.root, epsilon = (REAL)w->step.epsilon;
    REAL *restrict p = w->p, *restrict m = w->m, *restrict v = w->v;
    const REAL *restrict gradient = w->g;
    const size_t to = end_of(last, PIECE, w->count);
    for (size_t i = first * PIECE; i < to; i++) {
        const REAL g = gradient[i] * scale;
        m[i] = (REAL)0.9 * m[i] + (REAL)0.1 * g;
        v[i] = (REAL)0.98 * v[i] + (REAL)0.02 * g * g;
        p[i] = shrink * p[i] - rate * (m[i] / (root * SQRT(v[i]) + epsilon) + decay * p[i]);
    }
}

void NAME(adam)(REAL *p, const REAL *gradient, REAL *m, REAL *v, size_t count, const ww_adam_step *step) {
    LOCAL(adam_work) w = {.p = p, .m = m, .v = v, .g = gradient, .count = count, .step = *step};
    ww_parallel(pieces(count, PIECE), LOCAL(adam_pieces), &w);
}
