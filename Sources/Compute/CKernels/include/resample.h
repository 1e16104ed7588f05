/// Resamples a decoder's planes into CLIP's square picture, turned upright. Colours equal libswscale's and the filter
/// Pillow's bicubic, both to the bit.
#ifndef WATCHWORD_RESAMPLE_H
#define WATCHWORD_RESAMPLE_H
#include <stddef.h>
#include <stdint.h>

/// The layout of a decoder's planes.
typedef enum ww_layout {
    WW_LAYOUT_RGB = 0,   ///< one plane, interleaved
    WW_LAYOUT_I420 = 1,  ///< Y, U, V planes, chroma halved both ways
    WW_LAYOUT_NV12 = 2,  ///< Y plane, then U and V interleaved, halved both ways
    WW_LAYOUT_YUV = 3,   ///< Y, U and V planes, chroma halved as `shifts` say
    WW_LAYOUT_GREY = 4   ///< one plane of full range
} ww_layout;

/// Y'CbCr to R'G'B' in fixed point: the offset of Y times 8, then factors times 8192.
typedef struct ww_colour {
    int16_t y_offset, y, rv, bu, gu, gv;
} ww_colour;

/// Y'CbCr to R'G'B', rounded to the nearest level: the offset of Y, then factors times 65536. libswscale converts this
/// way where chroma is not halved in both directions.
typedef struct ww_exact_colour {
    int32_t y_offset, y, rv, bu, gu, gv;
} ww_exact_colour;

/// How a frame is turned. Sample (x, y) of the upright picture lies in column `column + x * column_x + y * column_y`
/// and row `row + x * row_x + y * row_y` of the planes. The factors are -1, 0 or 1.
typedef struct ww_turn {
    int32_t is_turned;  ///< 0: the planes are upright, and nothing else is read
    int32_t column, column_x, column_y;
    int32_t row, row_x, row_y;
} ww_turn;

/// A decoded frame, lent for a call.
typedef struct ww_frame {
    ww_layout layout;
    const uint8_t *planes[3];
    size_t strides[3];
    uint8_t steps[3];       ///< bytes from a sample to the next of its plane
    uint8_t shifts[2];      ///< how often chroma is halved across and down
    ww_colour colour;       ///< of I420 and NV12
    ww_exact_colour exact;  ///< of YUV
    ww_turn turn;
} ww_frame;

/// The filter of one axis: for each of `count` outputs, the first input and the weights in units of 1 / 2^22. `stride`,
/// a multiple of 16, is the number of weights of an output; unused ones are 0.
typedef struct ww_axis {
    const int32_t *first;    ///< (count)
    const int32_t *weights;  ///< (count, stride)
    int32_t stride;
    int32_t count;
} ww_axis;

/// The part of a frame that is read: `columns` from `column0` (even), `rows` from `row0`.
typedef struct ww_crop {
    int32_t column0, columns, row0, rows;
} ww_crop;

/// The bytes of scratch memory that `ww_resample` needs.
size_t ww_resample_scratch(const ww_crop *crop, const ww_axis *horizontal, const ww_axis *vertical);

/// Resamples a frame to out (vertical->count, horizontal->count, 3), interleaved RGB. The crop covers what the axes
/// read; their `first` counts from the frame's edge.
void ww_resample(uint8_t *out, uint8_t *scratch, const ww_frame *frame, const ww_crop *crop, const ww_axis *horizontal,
                 const ww_axis *vertical);
#endif
