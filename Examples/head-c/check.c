/// Calls the head as the host does, on windows whose result is known.
#include "watchword_head.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

const watchword_head *watchword_head_entry(void);

static int failures = 0;

static void expect(int is_right, const char *what) {
    if (is_right) return;
    fprintf(stderr, "head-c: wrong: %s\n", what);
    failures++;
}

static int is_near(float a, double b) { return fabs(a - b) < 1e-6; }

int main(void) {
    const watchword_head *head = watchword_head_entry();
    char why[256] = "";
    void *instance = NULL;
    expect(head->magic == WW_HEAD_MAGIC && head->struct_size == sizeof(watchword_head), "the descriptor");
    expect(head->create(2, 5, NULL, 0, "{}", &instance, why, sizeof why) == WW_OK, "create");
    if (!instance) return 1;

    // Window 0: two frames, padded. Window 1: its newest frame, age 0, weighs twice as much as the one of age 4.
    const float frames[] = {3, 4, 3, 4, NAN, NAN, NAN, NAN, NAN, NAN, 7, 0, 0, 1, 0, 1, 0, 1, 0, 5};
    const uint8_t mask[] = {1, 1, 0, 0, 0, 1, 1, 1, 1, 1};
    float out[4];
    expect(head->pool(instance, frames, mask, 2, 5, out, why, sizeof why) == WW_OK, "pool");
    expect(is_near(out[0], 0.6) && is_near(out[1], 0.8), "equal frames give their own direction; padding is not read");
    double x = 0.5, y = 1 + exp2(-0.25) + exp2(-0.5) + exp2(-0.75), norm = sqrt(x * x + y * y);
    expect(is_near(out[2], x / norm) && is_near(out[3], y / norm), "a frame of age 4 has half the weight of the newest");

    const uint8_t none[] = {0, 0, 0, 0, 0};
    expect(head->pool(instance, frames, none, 1, 5, out, why, sizeof why) == WW_BAD_SHAPE, "a window without frames");
    expect(head->pool(instance, frames, mask, 1, 6, out, why, sizeof why) == WW_BAD_SHAPE, "a window that is too long");
    const float zero[] = {0, 0};
    expect(head->pool(instance, zero, mask, 1, 1, out, why, sizeof why) == WW_FAILED && strstr(why, "no direction"),
           "a window of zeros");
    expect(head->create(0, 5, NULL, 0, "{}", &instance, why, sizeof why) == WW_BAD_SHAPE, "a width of zero");
    head->destroy(instance);
    return failures != 0;
}
