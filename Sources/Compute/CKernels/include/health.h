/// What a picture is worth, cheaply: is there light, are there edges, is it the same as before?
#ifndef WATCHWORD_HEALTH_H
#define WATCHWORD_HEALTH_H
#include "resample.h"

/// Counts, of 256 levels each, of the luma of a square RGB picture of `side`, and of its steps: the larger of the
/// differences from the pixel to the left and from the one above.
void ww_picture_levels(uint32_t luma[256], uint32_t steps[256], const uint8_t *rgb, int32_t side);

/// A hash of `count` bytes; not for adversaries.
uint64_t ww_fingerprint(const uint8_t *bytes, size_t count);

/// A hash of every fourth row of a frame's first plane (Y, or RGB).
uint64_t ww_frame_fingerprint(const ww_frame *frame, int32_t width, int32_t height);
#endif
