/// Pillow's bicubic resampling, to the bit. R = side of the result.
#ifndef WATCHWORD_RESAMPLE_H
#define WATCHWORD_RESAMPLE_H
#include <stddef.h>
#include <stdint.h>

/// One axis: for each of `count` wanted outputs, the first input, how many, and their weights in 1 / 2^22.
typedef struct ww_axis {
    const int32_t *first;    ///< (count)
    const int32_t *taps;     ///< (count)
    const int32_t *weights;  ///< (count, stride)
    int32_t stride;
    int32_t count;
} ww_axis;

/// out (vertical.count, horizontal.count, 3) from interleaved RGB rows. `scratch` holds `rows` intermediate rows, of the
/// inputs [row0, row0 + rows), each horizontal.count * 3 bytes.
void ww_resample_rgb(uint8_t *out, uint8_t *scratch, const uint8_t *rgb, size_t stride, int32_t row0, int32_t rows,
                     const ww_axis *horizontal, const ww_axis *vertical);
#endif
