/// Measures of a picture that show a broken camera: brightness, edges, and hashes that reveal a repeated picture.
#ifndef WATCHWORD_HEALTH_H
#define WATCHWORD_HEALTH_H
#include "resample.h"

/// Writes two histograms of a square RGB picture of `side` x `side` pixels: of its luma, and of its steps.
///
/// A pixel's step is the larger of its luma differences from the left and the upper neighbour.
void ww_picture_levels(uint32_t luma[256], uint32_t steps[256], const uint8_t *rgb, int32_t side);

/// Returns a hash of `count` bytes; it is not cryptographic.
uint64_t ww_fingerprint(const uint8_t *bytes, size_t count);

/// Returns a hash of every fourth row of a frame's first plane (Y, or interleaved RGB).
uint64_t ww_frame_fingerprint(const ww_frame *frame, int32_t width, int32_t height);
#endif
