/// A cheap measure of change between two frames: the mean colours of a grid of blocks.
#ifndef WATCHWORD_SIGNATURE_H
#define WATCHWORD_SIGNATURE_H
#include "resample.h"

/// Computes out (3, grid, grid): the means of the frame's three planes over grid x grid blocks of its centre square.
///
/// The means are levels of Y, Cb and Cr, or of R, G and B. `row` is scratch for 3 x the square's side bytes.
void ww_signature(float *out, uint8_t *row, const ww_frame *frame, int32_t width, int32_t height, int32_t grid);
#endif
