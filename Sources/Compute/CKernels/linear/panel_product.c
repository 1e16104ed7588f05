#include "linear/panels.h"

#include "parallel.h"
#include "runtime/amx.h"
#include "runtime/bfloat16.h"
#include "weight_bytes.h"

ww_panel_unit ww_panel_unit_of(ww_kind input) {
    if (input != WW_F32 && amx_available()) return WW_PANEL_TILES;
#if defined(__x86_64__) && defined(__linux__)
    __builtin_cpu_init();
    const int vectors = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
    if (vectors && (input == WW_F32 || (input == WW_BF16 && __builtin_cpu_supports("avx512bf16")) ||
                    (input == WW_U8 && __builtin_cpu_supports("avx512vnni"))))
        return WW_PANEL_AVX512;
    if (input != WW_U8 && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return WW_PANEL_AVX2;
#endif
    return WW_PANEL_NONE;
}

int ww_panel_fits(ww_kind input, size_t K, size_t N) { return K * panel_bytes_of(input) % STEP == 0 && N % PANEL == 0; }

size_t ww_panel_size(ww_kind input, size_t K, size_t N) {
    return K * N * panel_bytes_of(input) + (input == WW_U8 ? 2 * N * sizeof(float) : 0);
}

typedef struct pack_work {
    void *packed;
    const float *weight;
    ww_kind input;
    size_t K, N;
} pack_work;

// Where weight (n, k) goes.
INLINE size_t place(size_t n, size_t k, size_t K, size_t size) {
    const size_t group = 4 / size, per_step = STEP / size;
    const size_t step = k / per_step, row = k % per_step / group, part = k % group;
    const size_t tile = (n / PANEL * (K / per_step) + step) * 2 + n % PANEL / 16;
    return tile * TILE + row * STEP + (n % 16 * group + part) * size;
}

static void pack_outputs(void *context, size_t first, size_t last, size_t worker) {
    const pack_work *w = context;
    char *packed = w->packed;
    float *scales = (float *)(packed + w->K * w->N), *offsets = scales + w->N;
    (void)worker;
    for (size_t n = first; n < last; n++) {
        const float *row = w->weight + n * w->K;
        if (w->input == WW_F32) {
            for (size_t k = 0; k < w->K; k++) memcpy(packed + place(n, k, w->K, 4), row + k, 4);
            continue;
        }
        if (w->input == WW_BF16) {
            for (size_t k = 0; k < w->K; k++) {
                const uint16_t narrow = bf16_from(row[k]);
                memcpy(packed + place(n, k, w->K, 2), &narrow, 2);
            }
            continue;
        }
        int8_t bytes[WW_LONGEST_ROW];
        ww_weight_bytes(bytes, &scales[n], &offsets[n], row, w->K);
        for (size_t k = 0; k < w->K; k++) packed[place(n, k, w->K, 1)] = bytes[k];
    }
}

void ww_panel_pack(void *packed, ww_kind input, const float *weight, size_t K, size_t N) {
    pack_work w = {packed, weight, input, K, N};
    ww_parallel(N, pack_outputs, &w);
}

int ww_panel_run(const ww_panels *layer, const ww_numbers *out, const ww_numbers *x, ww_activation activation, int add,
                 size_t M) {
    if (layer->unit != WW_PANEL_TILES) return panel_run_vectors(layer, out, x, activation, add, M);
    panel_run_tiles(layer, out, x, activation, add, M);
    return 0;
}
