#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "CPictures.h"

typedef struct {
    const uint8_t *bytes;
    size_t count, at;
    char *why;
    size_t why_size;
} ww_png_source;

static void fail(png_structp png, png_const_charp message) {
    ww_png_source *source = png_get_error_ptr(png);
    if (source->why_size > 0 && !source->why[0]) snprintf(source->why, source->why_size, "%s", message);
    longjmp(png_jmpbuf(png), 1);
}

static void ignore(png_structp png, png_const_charp message) { (void)png, (void)message; }

static void take(png_structp png, png_bytep to, size_t wanted) {
    ww_png_source *source = png_get_io_ptr(png);
    if (wanted > source->count - source->at) png_error(png, "the file is cut off");
    memcpy(to, source->bytes + source->at, wanted);
    source->at += wanted;
}

// Reads rows as Pillow's `convert("RGB")` gives them.
static void ask_for_rgb(png_structp png, png_infop info) {
    const int colour = png_get_color_type(png, info);
    if (colour == PNG_COLOR_TYPE_PALETTE) png_set_palette_to_rgb(png);
    if (colour == PNG_COLOR_TYPE_GRAY && png_get_bit_depth(png, info) < 8) png_set_expand_gray_1_2_4_to_8(png);
    if (png_get_bit_depth(png, info) == 16) png_set_strip_16(png);
    if (!(colour & PNG_COLOR_MASK_COLOR)) png_set_gray_to_rgb(png);
    png_set_strip_alpha(png);
}

int ww_png_decode(uint8_t *rgb, const uint8_t *bytes, size_t count, uint32_t width, uint32_t height, char *why,
                  size_t why_size) {
    ww_png_source source = {bytes, count, 0, why, why_size};
    if (why_size > 0) why[0] = 0;
    png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &source, fail, ignore);
    png_infop info = png ? png_create_info_struct(png) : NULL;
    if (!info) {
        png_destroy_read_struct(&png, NULL, NULL);
        if (why_size > 0) snprintf(why, why_size, "there is no memory to decode it");
        return -1;
    }
    int status = -1;
    if (setjmp(png_jmpbuf(png)) == 0) {
        png_set_user_limits(png, width, height);
        png_set_chunk_cache_max(png, 128);
        png_set_read_fn(png, &source, take);
        png_read_info(png, info);
        if (png_get_image_width(png, info) != width || png_get_image_height(png, info) != height)
            png_error(png, "it has another size than it says");
        ask_for_rgb(png, info);
        const int passes = png_set_interlace_handling(png);
        png_read_update_info(png, info);
        if (png_get_rowbytes(png, info) != 3 * (size_t)width) png_error(png, "its rows cannot be read as RGB");
        for (int pass = 0; pass < passes; pass++)
            for (uint32_t y = 0; y < height; y++) png_read_row(png, rgb + (size_t)y * width * 3, NULL);
        png_read_end(png, NULL);
        status = 0;
    }
    png_destroy_read_struct(&png, &info, NULL);
    return status;
}
