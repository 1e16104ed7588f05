/// Resamples a decoded video frame into the square picture that CLIP reads, turned upright.
///
/// Colours equal libswscale's and the filter equals Pillow's bicubic, both to the bit.
#ifndef WATCHWORD_RESAMPLE_H
#define WATCHWORD_RESAMPLE_H
#include <stddef.h>
#include <stdint.h>

/// The pixel layout of a decoded frame.
typedef enum ww_layout {
    WW_LAYOUT_RGB = 0,   ///< one plane of interleaved R, G, B
    WW_LAYOUT_I420 = 1,  ///< planes Y, U, V; chroma halved in both directions
    WW_LAYOUT_NV12 = 2,  ///< plane Y, then a plane of interleaved U and V, halved in both directions
    WW_LAYOUT_YUV = 3,   ///< planes Y, U, V; chroma halved as `shifts` says
    WW_LAYOUT_GREY = 4   ///< one plane of full range
} ww_layout;

/// Constants that convert Y'CbCr to R'G'B' in 16 bits: the offset of Y times 8, then factors times 8192.
typedef struct ww_colour {
    int16_t y_offset, y, rv, bu, gu, gv;
} ww_colour;

/// Constants that convert Y'CbCr to R'G'B', rounded to the nearest level: the offset of Y, then factors times 65536.
///
/// libswscale converts this way if chroma is not halved in both directions.
typedef struct ww_exact_colour {
    int32_t y_offset, y, rv, bu, gu, gv;
} ww_exact_colour;

/// The rotation or mirroring of a stored frame.
///
/// Sample (x, y) of the upright picture is in column `column + x * column_x + y * column_y` and row `row + x * row_x +
/// y * row_y` of the stored planes. The factors are -1, 0 or 1.
typedef struct ww_turn {
    int32_t is_turned;  ///< 0 if the frame is stored upright; then no other field is read
    int32_t column, column_x, column_y;
    int32_t row, row_x, row_y;
} ww_turn;

/// A decoded frame; its memory is valid only during the call.
typedef struct ww_frame {
    ww_layout layout;
    const uint8_t *planes[3];
    size_t strides[3];
    uint8_t steps[3];       ///< bytes from one sample of a plane to the next
    uint8_t shifts[2];      ///< how often chroma is halved horizontally and vertically
    ww_colour colour;       ///< used for I420 and NV12
    ww_exact_colour exact;  ///< used for YUV
    ww_turn turn;
} ww_frame;

/// The resampling filter of one axis: for each of `count` outputs, the first input and its weights in units of 1 /
/// 2^22.
///
/// `stride`, a multiple of 16, is the number of weights per output; unused weights are 0.
typedef struct ww_axis {
    const int32_t *first;    ///< (count)
    const int32_t *weights;  ///< (count, stride)
    int32_t stride;
    int32_t count;
} ww_axis;

/// The part of a frame that is read: `columns` columns from `column0` (even), and `rows` rows from `row0`.
typedef struct ww_crop {
    int32_t column0, columns, row0, rows;
} ww_crop;

/// Returns the bytes of scratch memory that `ww_resample` needs.
size_t ww_resample_scratch(const ww_crop *crop, const ww_axis *horizontal, const ww_axis *vertical);

/// Resamples a frame to out (vertical->count, horizontal->count, 3), interleaved RGB.
///
/// The crop must cover all that the axes read; their `first` counts from the frame's edge.
void ww_resample(uint8_t *out, uint8_t *scratch, const ww_frame *frame, const ww_crop *crop, const ww_axis *horizontal,
                 const ww_axis *vertical);
#endif
