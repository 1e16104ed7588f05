// The entries of a history's blocks: whether they can be, and what a scan makes of them.
#include "history_rows.h"

#include <math.h>

enum { DISCONTINUITY = 1, BLIND = 4, ROW = 16 };

int ww_history_holds(const double *media, const double *wall, const float *values, const uint8_t *flags, size_t n,
                     const float *scales, const float *lengths, size_t rows) {
    size_t found = 0;
    int holds = 1;
    for (size_t t = 0; t < n; t++) {
        // Not "greater or equal": what is no number is refused, too.
        holds &= fabs(media[t]) < 1e12 && fabs(wall[t]) < 1e12 && values[t] >= 0 && values[t] < 1e9f;
        found += (flags[t] & ROW) != 0;
        holds &= found > 0 || (flags[t] & BLIND);
    }
    for (size_t r = 0; r < rows; r++)
        holds &= scales[r] >= 0 && scales[r] <= 1 && lengths[r] >= 0 && lengths[r] < INFINITY;
    return holds && found == rows;
}

size_t ww_history_prepare(ww_history_place *place, const ww_history_span *span, const double *times, const double *wall,
                          const float *values, const uint8_t *flags, size_t n, int32_t *rows, float *inverse,
                          uint32_t *slots, uint32_t *firsts) {
    int32_t row = -1;
    size_t windows = 0;
    for (size_t t = 0; t < n; t++, place->ordinal++) {
        if (flags[t] & (DISCONTINUITY | BLIND)) place->since = 0;
        row += (flags[t] & ROW) != 0;
        rows[t] = flags[t] & BLIND ? -1 : row;
        inverse[t] = 0;
        if (flags[t] & BLIND) continue;
        place->since++;
        const float value = values ? values[t] : 1;
        if (!(value > 0) || place->since < span->length || times[t] < span->from || times[t] >= span->to ||
            wall[t] < span->wall_from || wall[t] >= span->wall_to)
            continue;
        const int64_t key = (int64_t)floor(times[t] / span->slot);
        if (place->slots == 0 || key != place->key) {
            place->key = key;
            firsts[place->slots++] = place->ordinal;
        }
        inverse[t] = value;
        slots[t] = place->slots - 1;
        windows++;
    }
    return windows;
}
