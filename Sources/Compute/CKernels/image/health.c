#include "health.h"

#include <stdlib.h>
#include <string.h>

// BT.601 in eighths of a percent: enough for counting levels.
static inline int32_t luma_of(const uint8_t *p) { return (77 * p[0] + 150 * p[1] + 29 * p[2]) >> 8; }

void ww_picture_levels(uint32_t luma[256], uint32_t steps[256], const uint8_t *rgb, int32_t side) {
    memset(luma, 0, 256 * sizeof *luma);
    memset(steps, 0, 256 * sizeof *steps);
    const size_t stride = (size_t)side * 3;
    for (int32_t y = 0; y < side; y++) {
        const uint8_t *row = rgb + (size_t)y * stride;
        int32_t left = luma_of(row);
        for (int32_t x = 0; x < side; x++) {
            const int32_t here = luma_of(row + 3 * x);
            luma[here]++;
            if (y > 0 && x > 0) {
                const int32_t across = abs(here - left), down = abs(here - luma_of(row + 3 * x - stride));
                steps[across > down ? across : down]++;
            }
            left = here;
        }
    }
}

static inline uint64_t mix(uint64_t hash, const uint8_t *bytes, size_t count) {
    size_t i = 0;
    for (; i + 8 <= count; i += 8) {
        uint64_t word;
        memcpy(&word, bytes + i, 8);
        hash = (hash ^ word) * 0x9E3779B97F4A7C15u;
        hash ^= hash >> 29;
    }
    for (; i < count; i++) hash = (hash ^ bytes[i]) * 0x100000001B3u;
    return hash;
}

uint64_t ww_fingerprint(const uint8_t *bytes, size_t count) { return mix(0xCBF29CE484222325u, bytes, count); }

uint64_t ww_frame_fingerprint(const ww_frame *frame, int32_t width, int32_t height) {
    if (frame->turn.is_turned) {
        // As it lies in the planes: the rows that the turned picture covers.
        const ww_turn t = frame->turn;
        const int32_t x = t.column + (width - 1) * t.column_x + (height - 1) * t.column_y;
        const int32_t y = t.row + (width - 1) * t.row_x + (height - 1) * t.row_y;
        ww_frame stored = *frame;
        stored.turn.is_turned = 0;
        stored.planes[0] += (size_t)(y < t.row ? y : t.row) * frame->strides[0] +
                            (size_t)(x < t.column ? x : t.column) * frame->steps[0];
        return ww_frame_fingerprint(&stored, abs(x - t.column) + 1, abs(y - t.row) + 1);
    }
    const size_t count = (size_t)width * (frame->layout == WW_LAYOUT_RGB ? 3 : 1);
    uint64_t hash = 0xCBF29CE484222325u;
    for (int32_t y = 0; y < height; y += 4) hash = mix(hash, frame->planes[0] + (size_t)y * frame->strides[0], count);
    return hash;
}
