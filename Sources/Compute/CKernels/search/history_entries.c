// The entries of a history's blocks: whether they can be, and what a scan makes of them.
#include "history_rows.h"

#include <math.h>

#include "runtime/variants.h"

enum { DISCONTINUITY = 1, BLIND = 4, ROW = 16 };

VARIANTS
int ww_history_holds(const double *media, const double *wall, const float *values, const uint8_t *flags, size_t n,
                     const float *scales, const float *lengths, size_t rows) {
    unsigned wrong = 0, found = 0;
    for (size_t t = 0; t < n; t++) {
        // Not "greater or equal": what is no number is refused, too.
        wrong |= !(fabs(media[t]) < 1e12) | !(fabs(wall[t]) < 1e12);
    }
    for (size_t t = 0; t < n; t++) wrong |= !(values[t] >= 0) | !(values[t] < 1e9f);
    for (size_t t = 0; t < n; t++) found += (flags[t] & ROW) / ROW;
    // Nothing repeats a row before there is one.
    for (size_t t = 0; t < n && !(flags[t] & ROW); t++) wrong |= !(flags[t] & BLIND);
    for (size_t r = 0; r < rows; r++)
        wrong |= !(scales[r] >= 0) | !(scales[r] <= 1) | !(lengths[r] >= 0) | !(lengths[r] < INFINITY);
    return !wrong && found == rows;
}

size_t ww_history_prepare(ww_history_place *place, const ww_history_span *span, const double *times, const double *wall,
                          const float *values, const uint8_t *flags, size_t n, int32_t *rows, float *inverse,
                          uint32_t *slots, uint32_t *firsts) {
    int32_t row = -1;
    size_t windows = 0;
    ww_history_place at = *place;
    // Of the last slot: a division for each entry would take longer than all else.
    double from = (double)at.key * span->slot, to = (double)(at.key + 1) * span->slot;
    for (size_t t = 0; t < n; t++, at.ordinal++) {
        if (flags[t] & (DISCONTINUITY | BLIND)) at.since = 0;
        row += (flags[t] & ROW) != 0;
        rows[t] = flags[t] & BLIND ? -1 : row;
        inverse[t] = 0;
        if (flags[t] & BLIND) continue;
        at.since++;
        const float value = values ? values[t] : 1;
        if (!(value > 0) || at.since < span->length || times[t] < span->from || times[t] >= span->to ||
            wall[t] < span->wall_from || wall[t] >= span->wall_to)
            continue;
        if (at.slots == 0 || !(times[t] >= from && times[t] < to)) {
            const int64_t key = (int64_t)floor(times[t] / span->slot);
            if (at.slots == 0 || key != at.key) firsts[at.slots++] = at.ordinal;
            at.key = key;
            from = (double)key * span->slot;
            to = (double)(key + 1) * span->slot;
        }
        inverse[t] = value;
        slots[t] = at.slots - 1;
        windows++;
    }
    *place = at;
    return windows;
}
