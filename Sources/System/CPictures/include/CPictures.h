/// Pictures' files to RGB: PNG by libpng, whose errors are long jumps that must not cross Swift; others by gdk-pixbuf,
/// whose GLib types would be another module's than GStreamer's.
#ifndef WATCHWORD_CPICTURES_H
#define WATCHWORD_CPICTURES_H
#include <stddef.h>
#include <stdint.h>

/// Decodes the `count` bytes of a PNG file to `height` rows of `width` x 3 bytes: palettes and fewer bits are widened,
/// of 16 bits the upper 8 are kept, alpha is left out. 0, or -1 with a reason in `why` (`why_size` bytes): the file is
/// cut off or damaged, or its size is another.
int ww_png_decode(uint8_t *rgb, const uint8_t *bytes, size_t count, uint32_t width, uint32_t height, char *why,
                  size_t why_size);

/// The same of what gdk-pixbuf reads: `kind` is the name of its reader ("gif", "bmp", "tiff"), no other is tried.
int ww_pixbuf_decode(uint8_t *rgb, const uint8_t *bytes, size_t count, const char *kind, uint32_t width,
                     uint32_t height, char *why, size_t why_size);
#endif
