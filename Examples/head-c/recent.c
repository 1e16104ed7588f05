/// A temporal head in plain C: the mean of a window's frames, in which newer frames weigh more.
///
/// Each frame embedding is made unit and weighted by 2^(-age / HALF_LIFE), age 0 being the newest frame. The weighted sum
/// is made unit again. With a half-life of many frames this is CLIP4Clip's `mean`.
#include "watchword_head.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/// The half-life: the age, in frames, at which a frame's weight is half.
#define HALF_LIFE 4.0

/// An instance: the sizes it was made for, and one weight for each age.
typedef struct recent {
    int32_t d, max_frames;
    double weights[];
} recent;

static ww_status create(int32_t d, int32_t max_frames, const ww_tensor *tensors, size_t tensor_count,
                        const char *config_json, void **instance, char *why, size_t why_size) {
    (void)tensors, (void)tensor_count;  // this head has no weights of a checkpoint
    (void)config_json;                  // and nothing to set
    if (d < 1 || max_frames < 1) {
        snprintf(why, why_size, "expected d and max_frames of 1 or more, found %d and %d", (int)d, (int)max_frames);
        return WW_BAD_SHAPE;
    }
    recent *head = malloc(sizeof *head + (size_t)max_frames * sizeof head->weights[0]);
    if (!head) {
        snprintf(why, why_size, "no memory for %d weights", (int)max_frames);
        return WW_NO_MEMORY;
    }
    head->d = d;
    head->max_frames = max_frames;
    for (int32_t age = 0; age < max_frames; age++) head->weights[age] = exp2(-age / HALF_LIFE);
    *instance = head;
    return WW_OK;
}

static double length(const float *vector, int32_t d) {
    double sum = 0;
    for (int32_t i = 0; i < d; i++) sum += (double)vector[i] * vector[i];
    return sqrt(sum);
}

/// Pools one window of `count` frames (count, d) into `out` (d). Returns 0 if the result has no direction: its length
/// is 0 or not a number.
static int pool_window(const recent *head, const float *frames, int32_t count, float *out) {
    for (int32_t i = 0; i < head->d; i++) out[i] = 0;
    for (int32_t t = 0; t < count; t++) {
        const float *frame = frames + (size_t)t * (size_t)head->d;
        double weight = head->weights[count - 1 - t] / length(frame, head->d);
        for (int32_t i = 0; i < head->d; i++) out[i] += (float)(weight * frame[i]);
    }
    double sum = length(out, head->d);
    if (!(sum > 0)) return 0;  // also when it is no number
    for (int32_t i = 0; i < head->d; i++) out[i] = (float)(out[i] / sum);
    return 1;
}

static ww_status pool(void *instance, const float *frames, const uint8_t *mask, int32_t B, int32_t T, float *out,
                      char *why, size_t why_size) {
    const recent *head = instance;
    if (B < 1 || T < 1 || T > head->max_frames) {
        snprintf(why, why_size, "expected 1 to %d frames, found %d", (int)head->max_frames, (int)T);
        return WW_BAD_SHAPE;
    }
    for (int32_t b = 0; b < B; b++) {
        // A window's frames are a prefix. What stands in padded rows is never read: it may be NaN.
        int32_t count = 0;
        while (count < T && mask[(size_t)b * (size_t)T + (size_t)count]) count++;
        if (count == 0) {
            snprintf(why, why_size, "window %d has no frame", (int)b);
            return WW_BAD_SHAPE;
        }
        size_t window = (size_t)b * (size_t)T * (size_t)head->d;
        if (!pool_window(head, frames + window, count, out + (size_t)b * (size_t)head->d)) {
            snprintf(why, why_size, "window %d has no direction: its frames are zero, cancel out, or are no numbers",
                     (int)b);
            return WW_FAILED;
        }
    }
    return WW_OK;
}

static const watchword_head descriptor = {
    .magic = WW_HEAD_MAGIC,
    .abi_major = WW_HEAD_ABI_MAJOR,
    .abi_minor = WW_HEAD_ABI_MINOR,
    .struct_size = sizeof(watchword_head),
    .name = "recent",  // as in the file's name, libwatchword-head-recent.so
    .version = "1.0.0",
    .description = "mean of unit frame embeddings in which newer frames weigh more",
    .create = create,
    .destroy = free,
    .pool = pool,
};

const watchword_head *watchword_head_entry(void);
const watchword_head *watchword_head_entry(void) { return &descriptor; }
