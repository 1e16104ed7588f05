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
// What a sink takes; an element before it converts what it must, and passes the rest through. [any-thread]
static inline void ww_app_sink_set_caps(GstElement *sink, const char *text) {
    GstCaps *caps = gst_caps_from_string(text);
    gst_app_sink_set_caps(GST_APP_SINK(sink), caps);
    gst_caps_unref(caps);
}
static inline GstSample *ww_app_sink_pull(GstAppSink *sink) { return gst_app_sink_try_pull_sample(sink, 0); }
static inline GstSample *ww_app_sink_wait(GstElement *sink, guint64 nanoseconds) {
    return gst_app_sink_try_pull_sample(GST_APP_SINK(sink), nanoseconds);
}
// "autoplug-continue": a track that is no video is exposed as it is, and so not decoded. [streaming-thread]
static gboolean ww_continue_with(GstElement *bin, GstPad *pad, GstCaps *caps, gpointer user) {
    (void)bin, (void)pad, (void)user;
    const char *name = gst_caps_get_size(caps) > 0 ? gst_structure_get_name(gst_caps_get_structure(caps, 0)) : "";
    return !(g_str_has_prefix(name, "audio/") || g_str_has_prefix(name, "text/") || g_str_has_prefix(name, "subpicture/")
             || g_str_has_prefix(name, "closedcaption/"));
}
static inline void ww_watch_decoder(const GValue *value, gpointer user) {
    (void)user;
    GstElement *element = GST_ELEMENT(g_value_get_object(value));
    if (g_signal_lookup("autoplug-continue", G_OBJECT_TYPE(element)))
        g_signal_connect(element, "autoplug-continue", G_CALLBACK(ww_continue_with), NULL);
}
// Makes every decoding bin of a pipeline leave tracks other than video alone. Call before it plays. [any-thread]
static inline void ww_decode_video_only(GstElement *pipeline) {
    if (!GST_IS_BIN(pipeline)) return;
    GstIterator *elements = gst_bin_iterate_elements(GST_BIN(pipeline));
    gst_iterator_foreach(elements, ww_watch_decoder, NULL);
    gst_iterator_free(elements);
}
static inline GstBuffer *ww_probe_buffer(GstPadProbeInfo *info) {
    return GST_PAD_PROBE_INFO_TYPE(info) & GST_PAD_PROBE_TYPE_BUFFER ? GST_PAD_PROBE_INFO_BUFFER(info) : NULL;
}
static inline GstEvent *ww_probe_event(GstPadProbeInfo *info) {
    return GST_PAD_PROBE_INFO_TYPE(info) & GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM ? GST_PAD_PROBE_INFO_EVENT(info) : NULL;
}
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
static inline const guint8 *ww_frame_plane(GstVideoFrame *frame, gint plane) {
    return (const guint8 *)GST_VIDEO_FRAME_PLANE_DATA(frame, plane);
}
static inline gint ww_frame_stride(GstVideoFrame *frame, gint plane) { return GST_VIDEO_FRAME_PLANE_STRIDE(frame, plane); }
static inline gint ww_frame_width(GstVideoFrame *frame) { return GST_VIDEO_FRAME_WIDTH(frame); }
static inline gint ww_frame_height(GstVideoFrame *frame) { return GST_VIDEO_FRAME_HEIGHT(frame); }
static inline gboolean ww_frame_map(GstVideoFrame *frame, GstVideoInfo *info, GstBuffer *buffer) {
    return gst_video_frame_map(frame, info, buffer, GST_MAP_READ);
}
#endif
