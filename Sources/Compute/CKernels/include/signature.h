/// A cheap measure of change between two frames: mean colours of a grid of blocks.
#ifndef WATCHWORD_SIGNATURE_H
#define WATCHWORD_SIGNATURE_H
#include "resample.h"

/// Computes out (3, grid, grid): block means of the three planes of a frame's centre square, in levels (Y, Cb, Cr, or
/// R, G, B). `row` has room for 3 x the square's side bytes.
void ww_signature(float *out, uint8_t *row, const ww_frame *frame, int32_t width, int32_t height, int32_t grid);
#endif
