/// Cheap tests of a picture's health: brightness, edges, and whether it equals an earlier one.
#ifndef WATCHWORD_HEALTH_H
#define WATCHWORD_HEALTH_H
#include "resample.h"

/// Histograms (256 levels each) of a square RGB picture of `side` pixels: of its luma, and of its steps. A pixel's step
/// is the larger of its differences from the left and the upper neighbour.
void ww_picture_levels(uint32_t luma[256], uint32_t steps[256], const uint8_t *rgb, int32_t side);

/// A hash of `count` bytes. It does not resist an adversary.
uint64_t ww_fingerprint(const uint8_t *bytes, size_t count);

/// A hash of every fourth row of a frame's first plane (Y, or interleaved RGB).
uint64_t ww_frame_fingerprint(const ww_frame *frame, int32_t width, int32_t height);
#endif
