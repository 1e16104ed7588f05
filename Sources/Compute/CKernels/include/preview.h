/// Makes a small picture for people to look at from a decoded video frame.
#ifndef WATCHWORD_PREVIEW_H
#define WATCHWORD_PREVIEW_H
#include "resample.h"

/// Shrinks an upright frame by a whole factor: out (height / factor, width / factor, 3), interleaved RGB.
///
/// Each output pixel has the mean brightness of `factor` x `factor` pixels, and the chroma of their middle. `sums` is
/// scratch for `width` numbers.
void ww_preview(uint8_t *out, uint16_t *sums, const ww_frame *frame, int32_t width, int32_t height, int32_t factor);

/// Shrinks a frame of any layout and turns it upright: out (out_height, out_width, 3), interleaved RGB.
///
/// Each output pixel is the mean of the samples that it covers, at least one. `row` is scratch for 3 x `width` bytes,
/// `sums` for 3 x `out_width` numbers.
void ww_preview_upright(uint8_t *out, uint8_t *row, uint32_t *sums, const ww_frame *frame, int32_t width,
                        int32_t height, int32_t out_width, int32_t out_height);
#endif
