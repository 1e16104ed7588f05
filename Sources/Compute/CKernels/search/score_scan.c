// The scan of rows' bytes: sums of products, and their comparison with the limits that score_bytes.c proves.
#include "search/score_scan.h"

#include <string.h>

#include "runtime/amx.h"
#include "runtime/inline.h"

enum { PANEL = WW_SCORE_PANEL };

static void scan_portable(const ww_score_block *block, size_t first, size_t last, const scan_windows *v, size_t B,
                          scan_found found, void *context) {
    for (size_t panel = first; panel < last; panel++) {
        const uint8_t *bytes = block->bytes + panel * PANEL * v->P;
        const float *limit = block->limits + panel * PANEL, *length = block->lengths + panel * PANEL,
                    *error = block->errors + panel * PANEL;
        for (size_t w = 0; w < B; w++) {
            int32_t sums[PANEL];
            for (int r = 0; r < PANEL; r++) sums[r] = v->offsets[w];
            for (size_t i = 0; i < v->P; i += 4) {
                const uint8_t *row = bytes + i * PANEL;
                const int8_t *q = v->bytes + w * v->P + i;
                for (int r = 0; r < PANEL; r++)
                    sums[r] +=
                        row[4 * r] * q[0] + row[4 * r + 1] * q[1] + row[4 * r + 2] * q[2] + row[4 * r + 3] * q[3];
            }
            uint32_t places = 0;
            for (int r = 0; r < PANEL; r++) {
                const float bound = limit[r] * v->a[w] - length[r] * v->b[w] - error[r] * v->c[w];
                places |= ((float)sums[r] < bound ? 0u : 1u) << r;
            }
            if (places) found(context, panel, w, places);
        }
    }
}

#if defined(__x86_64__) && defined(__linux__)

#include <immintrin.h>

// Hardware fetches ahead within a page; this goes on into the next.
enum { AHEAD = 4096 };

#define AVX2 __attribute__((target("avx2,fma")))

// Up to `many` windows by one panel. Bytes become words, even and odd ones apart, whose products are summed by pairs.
AVX2 INLINE void panel_avx2(const ww_score_block *block, size_t panel, const scan_windows *v, size_t w, size_t many,
                            scan_found found, void *context) {
    const size_t P = v->P;
    const uint8_t *bytes = block->bytes + panel * PANEL * P;
    const __m256i low = _mm256_set1_epi16(255);
    __m256i sums[2][4];
    for (size_t k = 0; k < many; k++) sums[0][k] = sums[1][k] = _mm256_set1_epi32(v->offsets[w + k]);
    for (size_t i = 0; i < P; i += 4) {
        for (int half = 0; half < 2; half++) {
            const __m256i row = _mm256_load_si256((const __m256i *)(bytes + i * PANEL + 32 * half));
            const __m256i even = _mm256_and_si256(row, low), odd = _mm256_srli_epi16(row, 8);
            for (size_t k = 0; k < many; k++) {
                int32_t q[2];
                memcpy(q, v->words + (w + k) * P + i, sizeof q);
                const __m256i sum = _mm256_add_epi32(
                    _mm256_madd_epi16(even, _mm256_set1_epi32(q[0])), _mm256_madd_epi16(odd, _mm256_set1_epi32(q[1])));
                sums[half][k] = _mm256_add_epi32(sums[half][k], sum);
            }
        }
    }
    for (size_t k = 0; k < many; k++) {
        uint32_t places = 0;
        for (int half = 0; half < 2; half++) {
            const size_t r = panel * PANEL + 8 * (size_t)half;
            __m256 bound = _mm256_mul_ps(_mm256_load_ps(block->limits + r), _mm256_set1_ps(v->a[w + k]));
            bound = _mm256_fnmadd_ps(_mm256_load_ps(block->lengths + r), _mm256_set1_ps(v->b[w + k]), bound);
            bound = _mm256_fnmadd_ps(_mm256_load_ps(block->errors + r), _mm256_set1_ps(v->c[w + k]), bound);
            const __m256 reached = _mm256_cmp_ps(_mm256_cvtepi32_ps(sums[half][k]), bound, _CMP_NLT_UQ);
            places |= (uint32_t)_mm256_movemask_ps(reached) << 8 * half;
        }
        if (places) found(context, panel, w + k, places);
    }
}

AVX2 static void scan_avx2(const ww_score_block *block, size_t first, size_t last, const scan_windows *v, size_t B,
                           scan_found found, void *context) {
    for (size_t panel = first; panel < last; panel++) {
        size_t w = 0;
        for (; w + 4 <= B; w += 4) panel_avx2(block, panel, v, w, 4, found, context);
        for (; w < B; w++) panel_avx2(block, panel, v, w, 1, found, context);
    }
}

#define VNNI __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,fma")))

// The limits' factors of a panel's rows.
typedef struct factors {
    __m512 limit, length, error;
} factors;

VNNI INLINE void load_factors(factors *f, const ww_score_block *block, size_t panel) {
    f->limit = _mm512_load_ps(block->limits + panel * PANEL);
    f->length = _mm512_load_ps(block->lengths + panel * PANEL);
    f->error = _mm512_load_ps(block->errors + panel * PANEL);
}

VNNI INLINE uint32_t reached(const factors *f, const __m512i *sums, const scan_windows *v, size_t w) {
    __m512 bound = _mm512_mul_ps(f->limit, _mm512_set1_ps(v->a[w]));
    bound = _mm512_fnmadd_ps(f->length, _mm512_set1_ps(v->b[w]), bound);
    bound = _mm512_fnmadd_ps(f->error, _mm512_set1_ps(v->c[w]), bound);
    return _mm512_cmp_ps_mask(_mm512_cvtepi32_ps(*sums), bound, _CMP_NLT_UQ);
}

// `many` windows by one panel, a window's sums in as many chains as keep the units busy.
VNNI INLINE void panel_vnni(const ww_score_block *block, size_t panel, const scan_windows *v, size_t w, size_t many,
                            size_t chains, scan_found found, void *context) {
    const size_t P = v->P;
    const uint8_t *bytes = block->bytes + panel * PANEL * P;
    __m512i sums[8][4];
    for (size_t k = 0; k < many; k++)
        for (size_t c = 0; c < chains; c++) sums[k][c] = _mm512_set1_epi32(c ? 0 : v->offsets[w + k]);
    for (size_t i = 0; i < P; i += 4 * chains) {
        for (size_t c = 0; c < chains; c++) {
            const uint8_t *from = bytes + (i + 4 * c) * PANEL;
            const __m512i row = _mm512_load_si512(from);
            if (w == 0) _mm_prefetch(from + AHEAD, _MM_HINT_T0);
            for (size_t k = 0; k < many; k++) {
                int32_t q;
                memcpy(&q, v->bytes + (w + k) * P + i + 4 * c, sizeof q);
                sums[k][c] = _mm512_dpbusd_epi32(sums[k][c], row, _mm512_set1_epi32(q));
            }
        }
    }
    factors f;
    load_factors(&f, block, panel);
    for (size_t k = 0; k < many; k++) {
        __m512i sum = sums[k][0];
        for (size_t c = 1; c < chains; c++) sum = _mm512_add_epi32(sum, sums[k][c]);
        const uint32_t places = reached(&f, &sum, v, w + k);
        if (places) found(context, panel, w + k, places);
    }
}

VNNI static void scan_vnni(const ww_score_block *block, size_t first, size_t last, const scan_windows *v, size_t B,
                           scan_found found, void *context) {
    for (size_t panel = first; panel < last; panel++) {
        size_t w = 0;
        for (; w + 8 <= B; w += 8) panel_vnni(block, panel, v, w, 8, 1, found, context);
        for (; w + 2 <= B; w += 2) panel_vnni(block, panel, v, w, 2, 4, found, context);
        if (w < B) panel_vnni(block, panel, v, w, 1, 4, found, context);
    }
}

#define TILES __attribute__((target("amx-tile,amx-int8,avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,fma")))

// One or two tiles of 16 windows by one or two panels. A tile's row is a window, its column a row of the panel.
TILES INLINE void panels_amx(const ww_score_block *block, size_t panel, int panels, const scan_windows *v, size_t w,
                             size_t many, scan_found found, void *context) {
    _Alignas(64) int32_t sums[4][PANEL][16];
    const size_t P = v->P;
    const int two = many > 16;
    const int8_t *a = v->bytes + w * P;
    const uint8_t *b = block->bytes + panel * PANEL * P, *next = b + PANEL * P;
    _tile_zero(0);
    _tile_zero(1);
    if (two) _tile_zero(2);
    if (two) _tile_zero(3);
    for (size_t i = 0; i < P; i += 64) {
        _tile_loadd(4, a + i, P);
        _tile_loadd(6, b + i * PANEL, 64);
        _tile_dpbsud(0, 4, 6);
        if (panels == 2) {
            _tile_loadd(7, next + i * PANEL, 64);
            _tile_dpbsud(1, 4, 7);
        }
        if (two) {
            _tile_loadd(5, a + 16 * P + i, P);
            _tile_dpbsud(2, 5, 6);
            if (panels == 2) _tile_dpbsud(3, 5, 7);
        }
        if (w == 0)
            for (size_t line = 0; line < 2048; line += 64)
                _mm_prefetch(b + i * 2 * PANEL + AHEAD * 4 + line, _MM_HINT_T0);
    }
    _tile_stored(0, sums[0], 64);
    if (panels == 2) _tile_stored(1, sums[1], 64);
    if (two) _tile_stored(2, sums[2], 64);
    if (two && panels == 2) _tile_stored(3, sums[3], 64);
    for (int p = 0; p < panels; p++) {
        factors f;
        load_factors(&f, block, panel + (size_t)p);
        for (size_t k = 0; k < many; k++) {
            const __m512i found_sums = _mm512_load_si512(sums[k / 16 * 2 + (size_t)p][k % 16]);
            const __m512i sum = _mm512_add_epi32(found_sums, _mm512_set1_epi32(v->offsets[w + k]));
            const uint32_t places = reached(&f, &sum, v, w + k);
            if (places) found(context, panel + (size_t)p, w + k, places);
        }
    }
}

TILES static void scan_amx(const ww_score_block *block, size_t first, size_t last, const scan_windows *v, size_t B,
                           scan_found found, void *context) {
    amx_begin();
    for (size_t panel = first; panel < last; panel += 2) {
        for (size_t w = 0; w < B; w += 32) {
            const size_t many = B - w < 32 ? B - w : 32;
            if (panel + 2 <= last)
                panels_amx(block, panel, 2, v, w, many, found, context);
            else
                panels_amx(block, panel, 1, v, w, many, found, context);
        }
    }
    amx_end();
}

int ww_scan_available(ww_scan scan) {
    switch (scan) {
    case WW_SCAN_AVX2: return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    case WW_SCAN_VNNI: return __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512bw");
    case WW_SCAN_AMX: return ww_scan_available(WW_SCAN_VNNI) && amx_available();
    default: return 1;
    }
}

scan_body scan_for(ww_scan scan, size_t B) {
    if (scan == WW_SCAN_BEST) {
        // Tiles cost the same for one window as for sixteen.
        enum { FEW = 6 };
        scan = B > FEW && ww_scan_available(WW_SCAN_AMX) ? WW_SCAN_AMX
               : ww_scan_available(WW_SCAN_VNNI)         ? WW_SCAN_VNNI
               : ww_scan_available(WW_SCAN_AVX2)         ? WW_SCAN_AVX2
                                                         : WW_SCAN_PORTABLE;
    }
    switch (scan) {
    case WW_SCAN_AVX2: return scan_avx2;
    case WW_SCAN_VNNI: return scan_vnni;
    case WW_SCAN_AMX: return scan_amx;
    default: return scan_portable;
    }
}

#else

int ww_scan_available(ww_scan scan) { return scan == WW_SCAN_NONE || scan == WW_SCAN_PORTABLE || scan == WW_SCAN_BEST; }

scan_body scan_for(ww_scan scan, size_t B) {
    (void)scan, (void)B;
    return scan_portable;
}

#endif
