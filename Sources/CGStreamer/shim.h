#ifndef WATCHWORD_CGSTREAMER_SHIM_H
#define WATCHWORD_CGSTREAMER_SHIM_H
#include <gst/app/gstappsink.h>
#include <gst/gst.h>
#include <gst/video/video.h>

// What Swift cannot call: casts that are macros, variadic functions, inline casts between GObject types.

// g_object_set is variadic. [any-thread]
static inline void ww_set_int(gpointer object, const char *property, gint value) {
    g_object_set(object, property, value, NULL);
}
// Borrowed by name from a bin; the caller owns the reference. NULL if there is none. [any-thread]
static inline GstElement *ww_bin_get(GstElement *bin, const char *name) {
    return GST_IS_BIN(bin) ? gst_bin_get_by_name(GST_BIN(bin), name) : NULL;
}
static inline gboolean ww_is_app_sink(GstElement *element) { return GST_IS_APP_SINK(element); }
static inline void ww_app_sink_set_callbacks(GstElement *sink, GstAppSinkCallbacks *callbacks, gpointer user) {
    gst_app_sink_set_callbacks(GST_APP_SINK(sink), callbacks, user, NULL);
}
static inline GstSample *ww_app_sink_pull(GstAppSink *sink) { return gst_app_sink_try_pull_sample(sink, 0); }
static inline GstSample *ww_app_sink_wait(GstElement *sink, guint64 nanoseconds) {
    return gst_app_sink_try_pull_sample(GST_APP_SINK(sink), nanoseconds);
}
static inline GstBuffer *ww_probe_buffer(GstPadProbeInfo *info) { return GST_PAD_PROBE_INFO_BUFFER(info); }
static inline GstEvent *ww_probe_event(GstPadProbeInfo *info) { return GST_PAD_PROBE_INFO_EVENT(info); }
static inline GstMessageType ww_message_type(GstMessage *message) { return GST_MESSAGE_TYPE(message); }
static inline gboolean ww_message_is_from(GstMessage *message, GstElement *element) {
    return GST_MESSAGE_SRC(message) == GST_OBJECT(element);
}
static inline GstEventType ww_event_type(GstEvent *event) { return GST_EVENT_TYPE(event); }
static inline guint64 ww_no_time(void) { return GST_CLOCK_TIME_NONE; }
static inline void ww_unref_message(GstMessage *message) { gst_message_unref(message); }
static inline void ww_unref_sample(GstSample *sample) { gst_sample_unref(sample); }
static inline void ww_unref_caps(GstCaps *caps) { gst_caps_unref(caps); }
static inline void ww_unref_factory(GstElementFactory *factory) { gst_object_unref(factory); }
static inline void ww_unref_event(GstEvent *event) { gst_event_unref(event); }
static inline gboolean ww_seek_to_start(GstElement *pipeline) {
    return gst_element_seek_simple(pipeline, GST_FORMAT_TIME, GST_SEEK_FLAG_FLUSH | GST_SEEK_FLAG_KEY_UNIT, 0);
}
static inline const guint8 *ww_frame_pixels(GstVideoFrame *frame) {
    return (const guint8 *)GST_VIDEO_FRAME_PLANE_DATA(frame, 0);
}
static inline gint ww_frame_stride(GstVideoFrame *frame) { return GST_VIDEO_FRAME_PLANE_STRIDE(frame, 0); }
static inline gint ww_frame_width(GstVideoFrame *frame) { return GST_VIDEO_FRAME_WIDTH(frame); }
static inline gint ww_frame_height(GstVideoFrame *frame) { return GST_VIDEO_FRAME_HEIGHT(frame); }
static inline gboolean ww_frame_map(GstVideoFrame *frame, GstVideoInfo *info, GstBuffer *buffer) {
    return gst_video_frame_map(frame, info, buffer, GST_MAP_READ);
}
#endif
