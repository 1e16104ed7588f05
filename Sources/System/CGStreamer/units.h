#ifndef WATCHWORD_CGSTREAMER_UNITS_H
#define WATCHWORD_CGSTREAMER_UNITS_H
#include <gst/app/gstappsrc.h>
#include <gst/gst.h>

// Coded units that are put into a pipeline of our own.

static inline void ww_app_src_set_caps(GstElement *source, const char *text) {
    GstCaps *caps = gst_caps_from_string(text);
    if (!caps) return;
    gst_app_src_set_caps(GST_APP_SRC(source), caps);
    gst_caps_unref(caps);
}
// Copies the bytes; never waits. [any-thread]
static inline GstFlowReturn ww_app_src_push_unit(GstElement *source, const void *bytes, gsize count, guint64 pts,
                                                 gboolean is_delta) {
    GstBuffer *buffer = gst_buffer_new_allocate(NULL, count, NULL);
    if (!buffer) return GST_FLOW_ERROR;
    gst_buffer_fill(buffer, 0, bytes, count);
    GST_BUFFER_PTS(buffer) = pts;
    if (is_delta) GST_BUFFER_FLAG_SET(buffer, GST_BUFFER_FLAG_DELTA_UNIT);
    return gst_app_src_push_buffer(GST_APP_SRC(source), buffer);
}
// Bytes that wait in it. [any-thread]
static inline guint64 ww_app_src_level(GstElement *source) {
    return gst_app_src_get_current_level_bytes(GST_APP_SRC(source));
}
static inline void ww_app_src_finish(GstElement *source) { gst_app_src_end_of_stream(GST_APP_SRC(source)); }
#endif
