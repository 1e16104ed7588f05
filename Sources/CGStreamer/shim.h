#ifndef WATCHWORD_CGSTREAMER_SHIM_H
#define WATCHWORD_CGSTREAMER_SHIM_H
#include <gst/app/gstappsink.h>
#include <gst/app/gstappsrc.h>
#include <gst/gst.h>
#include <gst/video/video.h>
#include <string.h>

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
// Answers who asks what memory a sink takes: pictures that say where their lines lie, in buffers that have room around them
// where a decoder wants it. [streaming-thread]
static GstPadProbeReturn ww_answer_allocation(GstPad *pad, GstPadProbeInfo *info, gpointer user) {
    (void)pad, (void)user;
    GstQuery *query = GST_PAD_PROBE_INFO_QUERY(info);
    if (GST_QUERY_TYPE(query) != GST_QUERY_ALLOCATION) return GST_PAD_PROBE_OK;
    GstCaps *caps = NULL;
    gboolean wants_pool = FALSE;
    GstVideoInfo video;
    gst_query_parse_allocation(query, &caps, &wants_pool);
    if (wants_pool && caps && gst_video_info_from_caps(&video, caps)) {
        GstBufferPool *pool = gst_video_buffer_pool_new();
        GstStructure *config = gst_buffer_pool_get_config(pool);
        gst_buffer_pool_config_set_params(config, caps, (guint)video.size, 0, 0);
        if (gst_buffer_pool_set_config(pool, config))
            gst_query_add_allocation_pool(query, pool, (guint)video.size, 0, 0);
        gst_object_unref(pool);
    }
    gst_query_add_allocation_meta(query, GST_VIDEO_META_API_TYPE, NULL);
    return GST_PAD_PROBE_HANDLED;
}
// Lets decoders give a sink's reader, which asks each picture where its lines lie (`ww_frame_map`), the pictures that they
// work on. Without an answer they copy each to where lines lie close. [any-thread]
static inline void ww_app_sink_take_as_decoded(GstElement *sink) {
    GstPad *pad = gst_element_get_static_pad(sink, "sink");
    gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_QUERY_DOWNSTREAM, ww_answer_allocation, NULL, NULL);
    gst_object_unref(pad);
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
// What `ww_watch_elements` calls: the pipeline, the bin that got the element, the element, the user's pointer.
typedef void (*ww_element_added)(GstBin *pipeline, GstBin *bin, GstElement *element, gpointer user);
typedef struct {
    ww_element_added added;
    gpointer user;
} ww_element_watch;
static inline void ww_element_found(const GValue *value, gpointer user) {
    ww_element_watch *watch = user;
    watch->added(NULL, NULL, GST_ELEMENT(g_value_get_object(value)), watch->user);
}
// Calls `added` for every element in a pipeline, however deep, and for each that is added later, on the thread that adds
// it, before it has opened anything. [any-thread]
static inline void ww_watch_elements(GstElement *pipeline, ww_element_added added, gpointer user) {
    if (!GST_IS_BIN(pipeline)) return;
    ww_element_watch watch = {added, user};
    g_signal_connect(pipeline, "deep-element-added", G_CALLBACK(added), user);
    GstIterator *elements = gst_bin_iterate_recurse(GST_BIN(pipeline));
    gst_iterator_foreach(elements, ww_element_found, &watch);
    gst_iterator_free(elements);
}
static inline gboolean ww_is_video_decoder(GstElement *element) {
    const char *klass = gst_element_get_metadata(element, GST_ELEMENT_METADATA_KLASS);
    // Of JPEG, a video is a row of images.
    return !GST_IS_BIN(element) && klass && (strstr(klass, "Decoder/Video") || strstr(klass, "Decoder/Image"));
}
static inline gboolean ww_has_property(GstElement *element, const char *name) {
    return g_object_class_find_property(G_OBJECT_GET_CLASS(element), name) != NULL;
}
static inline GstBuffer *ww_ref_buffer(GstBuffer *buffer) { return gst_buffer_ref(buffer); }
static inline void ww_unref_buffer(GstBuffer *buffer) { gst_buffer_unref(buffer); }
static inline gboolean ww_is_delta(GstBuffer *buffer) { return GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_DELTA_UNIT); }
// For a probe that has passed its buffer on itself, and answers GST_PAD_PROBE_HANDLED. [streaming-thread]
static inline void ww_probe_set_flow(GstPadProbeInfo *info, GstFlowReturn flow) { GST_PAD_PROBE_INFO_FLOW_RETURN(info) = flow; }
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
// Seconds since a running time, by the pipeline's clock; 0 if it has none yet, or if that time is to come. [any-thread]
static inline double ww_age(GstAppSink *sink, double seconds) {
    GstClockTime now = gst_element_get_current_running_time(GST_ELEMENT(sink));
    double age = now == GST_CLOCK_TIME_NONE ? 0 : (double)now / 1e9 - seconds;
    return age > 0 ? age : 0;
}
// Seconds by which a running time lies ahead of the clock of the pad's element; 0 without a clock. [any-thread]
static inline double ww_lead(GstPad *pad, double seconds) {
    GstElement *element = gst_pad_get_parent_element(pad);
    GstClockTime now = element ? gst_element_get_current_running_time(element) : GST_CLOCK_TIME_NONE;
    if (element) gst_object_unref(element);
    return now == GST_CLOCK_TIME_NONE ? 0 : seconds - (double)now / 1e9;
}
static inline gboolean ww_is_app_src(GstElement *element) { return GST_IS_APP_SRC(element); }
// `needed` is called on the source's streaming thread; `done` when the source is gone. [any-thread]
static inline void ww_app_src_feed(
    GstElement *source, void (*needed)(GstAppSrc *, guint, gpointer), gpointer user, GDestroyNotify done) {
    GstAppSrcCallbacks callbacks = {0};
    callbacks.need_data = needed;
    gst_app_src_set_callbacks(GST_APP_SRC(source), &callbacks, user, done);
}
// Copies the bytes. [streaming-thread]
static inline GstFlowReturn ww_app_src_push(
    GstAppSrc *source, const void *bytes, gsize count, guint64 pts, guint64 duration) {
    GstBuffer *buffer = gst_buffer_new_allocate(NULL, count, NULL);
    if (!buffer) return GST_FLOW_ERROR;
    gst_buffer_fill(buffer, 0, bytes, count);
    GST_BUFFER_PTS(buffer) = pts;
    GST_BUFFER_DURATION(buffer) = duration;
    return gst_app_src_push_buffer(source, buffer);
}
static inline void ww_app_src_end(GstAppSrc *source) { gst_app_src_end_of_stream(source); }
// Seconds since the pipeline began to play, by its clock; 0 before. [any-thread]
static inline double ww_running_seconds(GstAppSrc *source) {
    GstClockTime now = gst_element_get_current_running_time(GST_ELEMENT(source));
    return now == GST_CLOCK_TIME_NONE ? 0 : (double)now / 1e9;
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
