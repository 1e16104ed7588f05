/// Reads rows of a decoded video frame as three arrays of bytes: R, G and B.
#ifndef WATCHWORD_FRAME_ROWS_H
#define WATCHWORD_FRAME_ROWS_H
#include <string.h>

#include "resample.h"
#include "runtime/inline.h"

// C = columns.

INLINE uint8_t byte(int32_t value) { return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value); }

// The upper 16 bits of a product of 16-bit numbers: the same rounding as in libswscale's vector code.
INLINE int16_t high(int16_t a, int16_t b) { return (int16_t)(((int32_t)a * b) >> 16); }

// A sum of two such products, clamped to a byte. It fits 16 bits, so that vectors hold twice as many numbers.
INLINE uint8_t byte_of_sum(int16_t a, int16_t b) {
    const int16_t sum = (int16_t)(a + b);
    return (uint8_t)(sum < 0 ? 0 : sum > 255 ? 255 : sum);
}

// Converts one row of Y'CbCr to R, G and B. `step`: 1 if U and V are separate planes, 2 if they are interleaved. Each
// chroma sample is repeated, not interpolated, as libswscale does when it only converts colours.
INLINE void row_from_yuv(uint8_t *restrict r, uint8_t *restrict g, uint8_t *restrict b, const uint8_t *restrict y,
                         const uint8_t *restrict u, const uint8_t *restrict v, int step, int32_t C, ww_colour k) {
    for (int32_t i = 0; i < C / 2; i++) {
        const int16_t cb = (int16_t)((u[i * step] << 3) - 1024), cr = (int16_t)((v[i * step] << 3) - 1024);
        const int16_t red = high(cr, k.rv), green = (int16_t)(high(cb, k.gu) + high(cr, k.gv)), blue = high(cb, k.bu);
        const int16_t y0 = high((int16_t)((y[2 * i] << 3) - k.y_offset), k.y);
        const int16_t y1 = high((int16_t)((y[2 * i + 1] << 3) - k.y_offset), k.y);
        r[2 * i] = byte_of_sum(y0, red);
        g[2 * i] = byte_of_sum(y0, green);
        b[2 * i] = byte_of_sum(y0, blue);
        r[2 * i + 1] = byte_of_sum(y1, red);
        g[2 * i + 1] = byte_of_sum(y1, green);
        b[2 * i + 1] = byte_of_sum(y1, blue);
    }
    if (C % 2) {
        const int32_t i = C / 2;
        const int16_t cb = (int16_t)((u[i * step] << 3) - 1024), cr = (int16_t)((v[i * step] << 3) - 1024);
        const int32_t luma = high((int16_t)((y[2 * i] << 3) - k.y_offset), k.y);
        r[2 * i] = byte(luma + high(cr, k.rv));
        g[2 * i] = byte(luma + high(cb, k.gu) + high(cr, k.gv));
        b[2 * i] = byte(luma + high(cb, k.bu));
    }
}

INLINE void row_from_rgb(uint8_t *restrict r, uint8_t *restrict g, uint8_t *restrict b, const uint8_t *restrict rgb,
                         int32_t C) {
    for (int32_t i = 0; i < C; i++) {
        r[i] = rgb[3 * i];
        g[i] = rgb[3 * i + 1];
        b[i] = rgb[3 * i + 2];
    }
}

INLINE int32_t chroma_of(const ww_frame *frame, int plane, int32_t column, int32_t row) {
    const size_t at = (size_t)(row >> frame->shifts[1]) * frame->strides[plane];
    return frame->planes[plane][at + (size_t)(column >> frame->shifts[0]) * frame->steps[plane]];
}

// Converts one Y'CbCr pixel to R, G and B, each rounded to the nearest level.
INLINE void pixel_from_yuv(uint8_t *r, uint8_t *g, uint8_t *b, int32_t y, int32_t u, int32_t v, ww_exact_colour k) {
    const int32_t luma = (y - k.y_offset) * k.y + (1 << 15), cb = u - 128, cr = v - 128;
    *r = byte((luma + cr * k.rv) >> 16);
    *g = byte((luma + cb * k.gu + cr * k.gv) >> 16);
    *b = byte((luma + cb * k.bu) >> 16);
}

// Converts C pixels of one row of planar Y'CbCr, of any chroma sampling, beginning with `column`.
INLINE void row_from_planes(uint8_t *restrict r, uint8_t *restrict g, uint8_t *restrict b, const ww_frame *frame,
                            int32_t column, int32_t C, int32_t row) {
    const size_t chroma = (size_t)(row >> frame->shifts[1]);
    const uint8_t *restrict y = frame->planes[0] + (size_t)row * frame->strides[0];
    const uint8_t *restrict u = frame->planes[1] + chroma * frame->strides[1];
    const uint8_t *restrict v = frame->planes[2] + chroma * frame->strides[2];
    const int32_t shift = frame->shifts[0];
    const ww_exact_colour k = frame->exact;
    if (shift == 0)
        for (int32_t i = 0; i < C; i++)
            pixel_from_yuv(r + i, g + i, b + i, y[column + i], u[column + i], v[column + i], k);
    else
        for (int32_t i = 0; i < C; i++)
            pixel_from_yuv(r + i, g + i, b + i, y[column + i], u[(column + i) >> shift], v[(column + i) >> shift], k);
}

// Reads one row of the upright picture from a frame that is stored turned. Colours are converted as for upright frames.
INLINE void row_turned(uint8_t *restrict r, uint8_t *restrict g, uint8_t *restrict b, const ww_frame *frame, int32_t x0,
                       int32_t C, int32_t y) {
    const ww_turn t = frame->turn;
    const ww_colour k = frame->colour;
    int32_t column = t.column + x0 * t.column_x + y * t.column_y, row = t.row + x0 * t.row_x + y * t.row_y;
    for (int32_t i = 0; i < C; i++, column += t.column_x, row += t.row_x) {
        const uint8_t *first = frame->planes[0] + (size_t)row * frame->strides[0] + (size_t)column * frame->steps[0];
        switch (frame->layout) {
        case WW_LAYOUT_RGB: r[i] = first[0], g[i] = first[1], b[i] = first[2]; break;
        case WW_LAYOUT_GREY: r[i] = g[i] = b[i] = first[0]; break;
        case WW_LAYOUT_YUV:
            pixel_from_yuv(r + i, g + i, b + i, first[0], chroma_of(frame, 1, column, row),
                           chroma_of(frame, 2, column, row), frame->exact);
            break;
        case WW_LAYOUT_I420:
        case WW_LAYOUT_NV12: {
            const uint8_t u = (uint8_t)chroma_of(frame, 1, column, row), v = (uint8_t)chroma_of(frame, 2, column, row);
            row_from_yuv(r + i, g + i, b + i, first, &u, &v, 1, 1, k);
            break;
        }
        }
    }
}

/// Reads columns [column, column + C) of a row of the frame, turned upright, as bytes of R, G and B.
///
/// `column` is even unless the frame is stored turned.
INLINE void upright_row(uint8_t *restrict r, uint8_t *restrict g, uint8_t *restrict b, const ww_frame *frame,
                        int32_t column, int32_t C, int32_t row) {
    if (frame->turn.is_turned) return row_turned(r, g, b, frame, column, C, row);
    const size_t at = (size_t)row, x = (size_t)column;
    const uint8_t *first = frame->planes[0] + at * frame->strides[0];
    switch (frame->layout) {
    case WW_LAYOUT_RGB: row_from_rgb(r, g, b, first + 3 * x, C); break;
    case WW_LAYOUT_I420:
        row_from_yuv(r, g, b, first + x, frame->planes[1] + at / 2 * frame->strides[1] + x / 2,
                     frame->planes[2] + at / 2 * frame->strides[2] + x / 2, 1, C, frame->colour);
        break;
    case WW_LAYOUT_NV12: {
        const uint8_t *chroma = frame->planes[1] + at / 2 * frame->strides[1] + x;
        row_from_yuv(r, g, b, first + x, chroma, chroma + 1, 2, C, frame->colour);
        break;
    }
    case WW_LAYOUT_YUV: row_from_planes(r, g, b, frame, column, C, row); break;
    case WW_LAYOUT_GREY:
        memcpy(r, first + x, (size_t)C);
        memcpy(g, first + x, (size_t)C);
        memcpy(b, first + x, (size_t)C);
        break;
    }
}
#endif
