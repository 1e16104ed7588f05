// A search: windows made ready, units of rows shared out among cores, what they find put in order.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "parallel.h"
#include "score_index.h"
#include "search/score_bytes.h"
#include "search/score_scan.h"

enum {
    UNIT = 16,  // panels that a core looks through for all windows, before it takes more: they stay in its second cache
    UNITS = WW_SCORE_BLOCK / WW_SCORE_PANEL / UNIT,  // of a block
    FEW = 32,                                        // rows that are scored faster than windows are made bytes
    // Bytes to read and products to sum that are done before it pays to wake another core.
    NEAR = 1 << 20,
    SHORT = 16 << 20
};

// What one core has found.
typedef struct found_list {
    ww_score_hit *hits;
    size_t count, capacity, scored;
} found_list;

// Where in its core's list a unit's hits are.
typedef struct unit_part {
    size_t worker, first, count;
} unit_part;

struct ww_search {
    size_t width, P;
    // Windows that are finite, up to `room`, a multiple of GROUP.
    size_t live, room;
    uint32_t *names;  // the caller's numbers
    float *values;    // (room, P)
    int8_t *bytes;
    int16_t *words;
    int32_t *offsets;
    float *factors;  // (3, room)
    double *work;    // (P)
    // Rows of the run.
    const ww_score_block *blocks;
    size_t count;
    ww_scan scan;
    // Results.
    found_list lists[WW_MAX_WORKERS];
    unit_part *parts;
    size_t part_room;
    ww_score_hit *hits;
    size_t hit_room;
    size_t *starts;  // (B + 1)
    size_t start_room;
};

// Memory that is not there ends the process, as it does in Swift.
static void *room_for(void *old, size_t count, size_t size) {
    void *found = realloc(old, (count ? count : 1) * size);
    if (!found) abort();
    return found;
}

static void *aligned_room(void *old, size_t count, size_t size) {
    void *found = NULL;
    free(old);
    if (posix_memalign(&found, 64, (count ? count : 1) * size) != 0) abort();
    return found;
}

ww_search *ww_search_make(size_t width) {
    ww_search *s = calloc(1, sizeof *s);
    if (!s) abort();
    s->width = width;
    s->P = ww_score_padded(width);
    s->work = aligned_room(NULL, s->P, sizeof *s->work);
    return s;
}

void ww_search_free(ww_search *s) {
    for (size_t i = 0; i < WW_MAX_WORKERS; i++) free(s->lists[i].hits);
    free(s->names), free(s->values), free(s->bytes), free(s->words), free(s->offsets), free(s->factors), free(s->work);
    free(s->parts), free(s->hits), free(s->starts), free(s);
}

const ww_score_hit *ww_search_hits(const ww_search *s) { return s->hits; }

size_t ww_search_scored(const ww_search *s) {
    size_t total = 0;
    for (size_t i = 0; i < WW_MAX_WORKERS; i++) total += s->lists[i].scored;
    return total;
}

static void prepare(ww_search *s, const float *windows, size_t B) {
    const size_t P = s->P;
    if (B > s->room) {
        s->room = (B + GROUP - 1) / GROUP * GROUP;
        s->names = aligned_room(s->names, s->room, sizeof *s->names);
        s->values = aligned_room(s->values, s->room * P, sizeof *s->values);
        s->bytes = aligned_room(s->bytes, s->room * P, sizeof *s->bytes);
        s->words = aligned_room(s->words, s->room * P, sizeof *s->words);
        s->offsets = aligned_room(s->offsets, s->room, sizeof *s->offsets);
        s->factors = aligned_room(s->factors, 3 * s->room, sizeof *s->factors);
        memset(s->bytes, 0, s->room * P);
    }
    float *a = s->factors, *b = a + s->room, *c = b + s->room;
    s->live = 0;
    for (size_t w = 0; w < B; w++) {
        const float *x = windows + w * s->width;
        float *value = s->values + s->live * P;
        int8_t *bytes = s->bytes + s->live * P;
        int16_t *words = s->words + s->live * P;
        int finite = 1;
        for (size_t i = 0; i < s->width; i++) finite &= fabsf(x[i]) < INFINITY;
        if (!finite) continue;
        memcpy(value, x, s->width * sizeof *x);
        memset(value + s->width, 0, (P - s->width) * sizeof *x);
        if (s->scan != WW_SCAN_NONE) {
            as_bytes made;
            to_bytes(&made, bytes, x, s->width, s->work);
            for (size_t i = 0; i < P; i += 4) {
                words[i] = bytes[i], words[i + 1] = bytes[i + 2];
                words[i + 2] = bytes[i + 1], words[i + 3] = bytes[i + 3];
            }
            const double larger = 1 + 0x1p-20, step = made.scale > 0 ? 1 / made.scale : NAN;
            s->offsets[s->live] = -128 * made.sum;
            a[s->live] = (float)step;
            b[s->live] = (float)(made.error * step * larger);
            c[s->live] = (float)(made.norm * step * larger);
        }
        s->names[s->live++] = (uint32_t)w;
    }
}

static void add(found_list *list, ww_score_hit hit) {
    if (list->count == list->capacity) {
        list->capacity = list->capacity ? 2 * list->capacity : 256;
        list->hits = room_for(list->hits, list->capacity, sizeof *list->hits);
    }
    list->hits[list->count++] = hit;
}

// The panels under way on one core.
typedef struct looking {
    const ww_search *search;
    const ww_score_block *block;
    size_t rows;   // of the block
    size_t group;  // first window
    found_list *list;
} looking;

static void score_places(void *context, size_t panel, size_t w, uint32_t places) {
    const looking *l = context;
    const ww_search *s = l->search;
    const size_t window = l->group + w;
    for (; places; places &= places - 1) {
        const size_t r = panel * WW_SCORE_PANEL + (size_t)__builtin_ctz(places);
        if (r >= l->rows) return;
        const float score = ww_score(l->block->rows + r * s->P, s->values + window * s->P, s->P);
        l->list->scored++;
        if (score >= l->block->floors[r]) add(l->list, (ww_score_hit){s->names[window], l->block->tags[r], score});
    }
}

static void look(void *context, size_t first, size_t last, size_t worker) {
    ww_search *s = context;
    for (size_t unit = first; unit < last; unit++) {
        const size_t from = unit * UNIT * WW_SCORE_PANEL, in_block = unit % UNITS * UNIT;
        const size_t left = (s->count - from + WW_SCORE_PANEL - 1) / WW_SCORE_PANEL;
        const size_t until = in_block + (left < UNIT ? left : UNIT), block = unit / UNITS;
        found_list *list = &s->lists[worker];
        looking l = {s, s->blocks + block, s->count - block * WW_SCORE_BLOCK, 0, list};
        const size_t before = list->count;
        for (; l.group < s->live; l.group += GROUP) {
            const size_t many = s->live - l.group < GROUP ? s->live - l.group : GROUP;
            if (s->scan == WW_SCAN_NONE) {
                for (size_t panel = in_block; panel < until; panel++)
                    for (size_t w = 0; w < many; w++) score_places(&l, panel, w, 0xFFFF);
                continue;
            }
            const scan_windows windows = {
                s->P,
                s->bytes + l.group * s->P,
                s->words + l.group * s->P,
                s->offsets + l.group,
                s->factors + l.group,
                s->factors + s->room + l.group,
                s->factors + 2 * s->room + l.group,
            };
            scan_for(s->scan, many)(l.block, in_block, until, &windows, many, score_places, &l);
        }
        s->parts[unit] = (unit_part){worker, before, list->count - before};
    }
}

// Units' hits, in the order of units, and then by window: a unit has them in the order of places for each window.
static size_t collect(ww_search *s, size_t units, size_t B) {
    if (B + 1 > s->start_room) s->starts = room_for(s->starts, s->start_room = B + 1, sizeof *s->starts);
    memset(s->starts, 0, (B + 1) * sizeof *s->starts);
    size_t total = 0;
    for (size_t i = 0; i < WW_MAX_WORKERS; i++) {
        total += s->lists[i].count;
        for (size_t k = 0; k < s->lists[i].count; k++) s->starts[s->lists[i].hits[k].window + 1]++;
    }
    if (total > s->hit_room) s->hits = room_for(s->hits, s->hit_room = total, sizeof *s->hits);
    for (size_t w = 0; w < B; w++) s->starts[w + 1] += s->starts[w];
    for (size_t unit = 0; unit < units; unit++) {
        const unit_part *part = s->parts + unit;
        const ww_score_hit *hits = s->lists[part->worker].hits;
        for (size_t k = part->first; k < part->first + part->count; k++) s->hits[s->starts[hits[k].window]++] = hits[k];
    }
    return total;
}

size_t ww_search_run(ww_search *s, const ww_score_block *blocks, size_t count, const float *windows, size_t B,
                     ww_scan scan) {
    for (size_t i = 0; i < WW_MAX_WORKERS; i++) s->lists[i].count = s->lists[i].scored = 0;
    if (count == 0 || B == 0) return 0;
    s->blocks = blocks;
    s->count = count;
    s->scan = scan == WW_SCAN_BEST && count <= FEW ? WW_SCAN_NONE : scan;
    prepare(s, windows, B);
    const size_t units = (count + UNIT * WW_SCORE_PANEL - 1) / (UNIT * WW_SCORE_PANEL);
    if (units > s->part_room) s->parts = room_for(s->parts, s->part_room = units, sizeof *s->parts);
    if (count * s->P <= NEAR && count * s->live * s->P <= SHORT)
        look(s, 0, units, 0);
    else
        ww_parallel(units, look, s);
    return collect(s, units, B);
}
