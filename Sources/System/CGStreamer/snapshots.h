#ifndef WATCHWORD_CGSTREAMER_SNAPSHOTS_H
#define WATCHWORD_CGSTREAMER_SNAPSHOTS_H
#include <gst/app/gstappsrc.h>
#include <gst/gst.h>
#include <gst/video/video.h>
#include <string.h>

// Seconds since the pipeline began to play, by its clock; 0 before. [any-thread]
static inline double ww_element_running_seconds(GstElement *element) {
    GstClockTime now = gst_element_get_current_running_time(element);
    return now == GST_CLOCK_TIME_NONE ? 0 : (double)now / 1e9;
}
// Pushes a copy of rows of RGB without gaps. Returns the buffer, which the caller owns, to be pushed again; NULL if
// there is no memory for it. [any-thread]
static inline GstBuffer *ww_app_src_push_picture(GstElement *source, const guint8 *rgb, gint width, gint height,
                                                 guint64 pts, guint64 duration) {
    GstVideoInfo info;
    gst_video_info_init(&info);
    if (!rgb || !gst_video_info_set_format(&info, GST_VIDEO_FORMAT_RGB, (guint)width, (guint)height)) return NULL;
    GstBuffer *buffer = gst_buffer_new_allocate(NULL, info.size, NULL);
    if (!buffer) return NULL;
    GstMapInfo map;
    if (!gst_buffer_map(buffer, &map, GST_MAP_WRITE)) {
        gst_buffer_unref(buffer);
        return NULL;
    }
    gsize stride = (gsize)GST_VIDEO_INFO_PLANE_STRIDE(&info, 0), row = (gsize)width * 3;
    for (gint y = 0; y < height; y++) memcpy(map.data + (gsize)y * stride, rgb + (gsize)y * row, row);
    gst_buffer_unmap(buffer, &map);
    GstCaps *caps = gst_video_info_to_caps(&info);
    gst_app_src_set_caps(GST_APP_SRC(source), caps);
    gst_caps_unref(caps);
    GST_BUFFER_PTS(buffer) = pts;
    GST_BUFFER_DURATION(buffer) = duration;
    gst_app_src_push_buffer(GST_APP_SRC(source), gst_buffer_ref(buffer));
    return buffer;
}
// Pushes a picture again, at another time, marked as one that fills a gap. Shares its memory. [any-thread]
static inline void ww_app_src_push_again(GstElement *source, GstBuffer *picture, guint64 pts, guint64 duration) {
    GstBuffer *buffer = gst_buffer_copy(picture);
    GST_BUFFER_PTS(buffer) = pts;
    GST_BUFFER_DURATION(buffer) = duration;
    GST_BUFFER_FLAG_SET(buffer, GST_BUFFER_FLAG_GAP);
    gst_app_src_push_buffer(GST_APP_SRC(source), buffer);
}
static inline gboolean ww_fills_gap(GstSample *sample) {
    GstBuffer *buffer = gst_sample_get_buffer(sample);
    return buffer && GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_GAP);
}
static inline gboolean ww_is_http_source(GstElement *element) {
    GstElementFactory *factory = gst_element_get_factory(element);
    return factory && strcmp(GST_OBJECT_NAME(factory), "souphttpsrc") == 0;
}
// The `Content-Type` of an HTTP source's event of an answer of 200; the caller frees it. NULL for other events.
// [streaming-thread]
static inline gchar *ww_answered_type(GstEvent *event) {
    const GstStructure *said = gst_event_get_structure(event);
    guint status = 0;
    if (!said || !gst_structure_has_name(said, "http-headers")) return NULL;
    if (!gst_structure_get_uint(said, "http-status-code", &status) || status != 200) return NULL;
    const GValue *value = gst_structure_get_value(said, "response-headers");
    if (!value || !GST_VALUE_HOLDS_STRUCTURE(value)) return NULL;
    const GstStructure *headers = gst_value_get_structure(value);
    for (gint i = 0; headers && i < gst_structure_n_fields(headers); i++) {
        const gchar *name = gst_structure_nth_field_name(headers, (guint)i);
        if (g_ascii_strcasecmp(name, "Content-Type") == 0) return g_strdup(gst_structure_get_string(headers, name));
    }
    return NULL;
}
// Posts an application's message that is a word. [any-thread]
static inline void ww_post_word(GstElement *element, const char *word) {
    gst_element_post_message(element, gst_message_new_application(GST_OBJECT(element), gst_structure_new_empty(word)));
}
// Posts an application's message that is a word, with the address that an HTTP source's event of an answer names. The
// property `location` is for the source's own thread: a playlist's source gets another for each segment, unlocked.
// [streaming-thread]
static inline void ww_post_answer(GstElement *source, const char *word, GstEvent *event) {
    const gchar *place = gst_structure_get_string(gst_event_get_structure(event), "uri");
    GstStructure *said = gst_structure_new(word, "uri", G_TYPE_STRING, place, NULL);
    gst_element_post_message(source, gst_message_new_application(GST_OBJECT(source), said));
}
// The address in a message of `ww_post_answer`, for `g_free`; NULL if there is none. [any-thread]
static inline gchar *ww_message_location(GstMessage *message) {
    const GstStructure *said = gst_message_get_structure(message);
    return said ? g_strdup(gst_structure_get_string(said, "uri")) : NULL;
}
static inline gboolean ww_message_is_word(GstMessage *message, const char *word) {
    const GstStructure *structure = gst_message_get_structure(message);
    return structure && gst_structure_has_name(structure, word);
}
#endif
