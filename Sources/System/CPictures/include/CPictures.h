/// Decodes picture files to RGB: PNG by libpng, others by gdk-pixbuf.
///
/// They are wrapped in C because errors of libpng are long jumps, which must not cross Swift, and because Swift would
/// see gdk-pixbuf's GLib types and GStreamer's as different types.
#ifndef WATCHWORD_CPICTURES_H
#define WATCHWORD_CPICTURES_H
#include <stddef.h>
#include <stdint.h>

/// Decodes the `count` bytes of a PNG file to `height` rows of `width` x 3 bytes.
///
/// Palettes and fewer bits are widened, 16 bits are cut to the upper 8, alpha is dropped. Returns 0, or -1 with a
/// reason in `why` (`why_size` bytes) if the file is truncated, damaged or has another size.
int ww_png_decode(uint8_t *rgb, const uint8_t *bytes, size_t count, uint32_t width, uint32_t height, char *why,
                  size_t why_size);

/// Decodes a file like `ww_png_decode`, by gdk-pixbuf. `kind` names the only reader to try ("gif", "bmp", "tiff").
int ww_pixbuf_decode(uint8_t *rgb, const uint8_t *bytes, size_t count, const char *kind, uint32_t width,
                     uint32_t height, char *why, size_t why_size);
#endif
