/// Makes a small picture for people from a decoder's planes.
#ifndef WATCHWORD_PREVIEW_H
#define WATCHWORD_PREVIEW_H
#include "resample.h"

/// Shrinks a frame by a whole factor: out (height / factor, width / factor, 3), interleaved RGB.
///
/// Each pixel has the mean brightness of `factor` x `factor` pixels, and the chroma at their middle. `sums` has room
/// for `width` numbers.
void ww_preview(uint8_t *out, uint16_t *sums, const ww_frame *frame, int32_t width, int32_t height, int32_t factor);

/// Shrinks any frame, turned upright: out (out_height, out_width, 3), interleaved RGB.
///
/// Each pixel is the mean of the samples that it covers, at least one. `row` has room for 3 x `width` bytes, `sums` for
/// 3 x `out_width` numbers.
void ww_preview_upright(uint8_t *out, uint8_t *row, uint32_t *sums, const ww_frame *frame, int32_t width,
                        int32_t height, int32_t out_width, int32_t out_height);
#endif
