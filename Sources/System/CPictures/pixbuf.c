#include <gdk-pixbuf/gdk-pixbuf.h>
#include <stdio.h>

#include "CPictures.h"

static int copy(uint8_t *rgb, GdkPixbuf *picture, uint32_t width, uint32_t height) {
    if (!picture || gdk_pixbuf_get_width(picture) != (int)width || gdk_pixbuf_get_height(picture) != (int)height ||
        gdk_pixbuf_get_bits_per_sample(picture) != 8)
        return -1;
    const guint8 *pixels = gdk_pixbuf_read_pixels(picture);
    const size_t stride = (size_t)gdk_pixbuf_get_rowstride(picture), step = (size_t)gdk_pixbuf_get_n_channels(picture);
    if (!pixels || step < 3) return -1;
    for (size_t y = 0; y < height; y++)
        for (size_t x = 0; x < width; x++)
            for (size_t c = 0; c < 3; c++) rgb[(y * width + x) * 3 + c] = pixels[y * stride + x * step + c];
    return 0;
}

int ww_pixbuf_decode(uint8_t *rgb, const uint8_t *bytes, size_t count, const char *kind, uint32_t width,
                     uint32_t height, char *why, size_t why_size) {
    GError *error = NULL;
    int status = -1;
    GdkPixbufLoader *loader = gdk_pixbuf_loader_new_with_type(kind, &error);
    if (loader) {
        const gboolean written = gdk_pixbuf_loader_write(loader, bytes, count, &error);
        // It must be closed in any case; the first error is the one to tell.
        const gboolean closed = gdk_pixbuf_loader_close(loader, written ? &error : NULL);
        if (written && closed) status = copy(rgb, gdk_pixbuf_loader_get_pixbuf(loader), width, height);
        g_object_unref(loader);
    }
    if (status != 0 && why_size > 0)
        snprintf(why, why_size, "%s", error ? error->message : "it has another size than it says");
    g_clear_error(&error);
    return status;
}
