#ifndef WATCHWORD_CGSTREAMER_LIVENESS_H
#define WATCHWORD_CGSTREAMER_LIVENESS_H
#include <gst/base/gstbasesrc.h>
#include <gst/gst.h>
#include <string.h>

// Whether a source has an end, asked of its pipeline: its sources, its duration, whether it can be wound back.

typedef enum {
    WW_END_UNKNOWN,   // nothing has been played yet
    WW_END_KNOWN,     // a film: it has a length, or can be wound back
    WW_END_CAMERA,    // a source of its own time, as cameras have
    WW_END_NONE,      // it comes as it is made, and nobody knows when it ends
    WW_END_NONE_YET,  // a playlist without an end: it comes in segments, faster than it is made
} ww_end;

typedef struct {
    gboolean live, adaptive, web, sized, seekable;
} ww_sources;

static void ww_look_at_element(const GValue *value, gpointer user) {
    ww_sources *found = user;
    GstElement *element = GST_ELEMENT(g_value_get_object(value));
    const char *klass = gst_element_get_metadata(element, GST_ELEMENT_METADATA_KLASS);
    if (klass && strstr(klass, "Adaptive")) found->adaptive = TRUE;
    if (GST_IS_BASE_SRC(element) && gst_base_src_is_live(GST_BASE_SRC(element))) found->live = TRUE;
}

// The bytes that an answer's headers announce; what comes in chunks has no length, whatever else they say.
static gboolean ww_take_length(GQuark field, const GValue *value, gpointer user) {
    gint64 *bytes = user;
    const char *name = g_quark_to_string(field);
    const char *text = G_VALUE_HOLDS_STRING(value) ? g_value_get_string(value) : NULL;
    gboolean is_chunked = text && !g_ascii_strcasecmp(name, "Transfer-Encoding");
    if (text && !g_ascii_strcasecmp(name, "Content-Length")) *bytes = g_ascii_strtoll(text, NULL, 10);
    if (is_chunked) *bytes = -1;
    return !is_chunked;
}
// Whether the answer that an HTTP source reads has a length, by the event with its headers, which the pad keeps.
// [any-thread]
static inline gboolean ww_answer_has_length(GstPad *pad) {
    gint64 bytes = -1;
    GstEvent *event = NULL;
    for (guint i = 0; (event = gst_pad_get_sticky_event(pad, GST_EVENT_CUSTOM_DOWNSTREAM_STICKY, i)) != NULL; i++) {
        const GstStructure *told = gst_event_get_structure(event);
        gboolean is_answer = told && gst_structure_has_name(told, "http-headers");
        const GValue *headers = is_answer ? gst_structure_get_value(told, "response-headers") : NULL;
        if (headers && GST_VALUE_HOLDS_STRUCTURE(headers))
            gst_structure_foreach(gst_value_get_structure(headers), ww_take_length, &bytes);
        gst_event_unref(event);
    }
    return bytes > 0;
}

static void ww_ask_source(const GValue *value, gpointer user) {
    ww_sources *found = user;
    GstElement *element = GST_ELEMENT(g_value_get_object(value));
    if (!GST_IS_BASE_SRC(element)) return;
    GstElementFactory *factory = gst_element_get_factory(element);
    const char *name = factory ? GST_OBJECT_NAME(factory) : "";
    // It can be wound back only where its answer has a length, so that alone is looked at. The element itself is not
    // asked: whoever stops it may just be resetting it, and it may answer by a request of its own.
    if (!strcmp(name, "souphttpsrc")) {
        found->web = TRUE;
        if (ww_answer_has_length(GST_BASE_SRC_PAD(element))) found->sized = TRUE;
        return;
    }
    GstBaseSrcClass *source_class = GST_BASE_SRC_GET_CLASS(element);
    if (source_class->is_seekable && source_class->is_seekable(GST_BASE_SRC(element))) found->seekable = TRUE;
    gint64 bytes = -1;
    // What a named pipe holds has no length, and ends with whoever writes it.
    if (g_str_has_prefix(name, "f") && g_str_has_suffix(name, "src"))
        found->sized = TRUE;
    else if (gst_pad_query_duration(GST_BASE_SRC_PAD(element), GST_FORMAT_BYTES, &bytes) && bytes > 0)
        found->sized = TRUE;
}

static void ww_for_each(GstElement *bin, GstIteratorForeachFunction look, ww_sources *found) {
    GstIterator *elements = gst_bin_iterate_recurse(GST_BIN(bin));
    while (gst_iterator_foreach(elements, look, found) == GST_ITERATOR_RESYNC) gst_iterator_resync(elements);
    gst_iterator_free(elements);
}

// Asks; `played`: a picture has come, so that a film's length would be known. [any-thread but streaming ones]
static inline ww_end ww_ask_end(GstElement *pipeline, GstElement *sink, gboolean played) {
    ww_sources found = {FALSE, FALSE, FALSE, FALSE, FALSE};
    if (!GST_IS_BIN(pipeline)) return WW_END_UNKNOWN;
    ww_for_each(pipeline, ww_look_at_element, &found);
    if (found.live) return WW_END_CAMERA;
    if (!played) return WW_END_UNKNOWN;
    gint64 length = -1;
    if (gst_element_query_duration(sink, GST_FORMAT_TIME, &length) && length > 0) return WW_END_KNOWN;
    // A playlist that goes on can be wound back as far as it reaches; its own length is no length of what it plays. Its
    // sources are not asked: each segment is a new request, and souphttpsrc answers before the first header by a
    // request of its own, which beside the other one ends the process (GStreamer 1.22,
    // gst_soup_http_src_check_seekable).
    if (found.adaptive) return WW_END_NONE_YET;
    ww_for_each(pipeline, ww_ask_source, &found);
    // The query would go through the demuxer to the source.
    if (found.web) return found.sized ? WW_END_KNOWN : WW_END_NONE;
    // A demuxer may claim to be seekable (tsdemux does) where its source cannot be wound back.
    gboolean can_seek = FALSE;
    GstQuery *query = gst_query_new_seeking(GST_FORMAT_TIME);
    if (gst_element_query(sink, query)) gst_query_parse_seeking(query, NULL, &can_seek, NULL, NULL);
    gst_query_unref(query);
    return (can_seek && found.seekable) || found.sized ? WW_END_KNOWN : WW_END_NONE;
}
static gboolean ww_take_retry_after(GQuark field, const GValue *value, gpointer user) {
    if (g_ascii_strcasecmp(g_quark_to_string(field), "Retry-After") == 0 && G_VALUE_HOLDS_STRING(value))
        *(gchar **)user = g_value_dup_string(value);
    return TRUE;
}
// The time at which a web server wants to be asked again, in the element message `http-headers` of an answer that
// refuses; for g_free. NULL for all else. [any-thread]
static inline gchar *ww_retry_after(GstMessage *message) {
    const GstStructure *said = gst_message_get_structure(message);
    guint status = 0;
    if (!said || !gst_structure_has_name(said, "http-headers")) return NULL;
    if (!gst_structure_get_uint(said, "http-status-code", &status) || (status != 429 && status != 503)) return NULL;
    const GValue *headers = gst_structure_get_value(said, "response-headers");
    gchar *found = NULL;
    if (headers && GST_VALUE_HOLDS_STRUCTURE(headers))
        gst_structure_foreach(gst_value_get_structure(headers), ww_take_retry_after, &found);
    return found;
}
// A hash of a coded unit's bytes. [streaming-thread]
static inline guint64 ww_unit_hash(GstBuffer *buffer) {
    GstMapInfo map;
    if (!gst_buffer_map(buffer, &map, GST_MAP_READ)) return 0;
    guint64 hash = 0x9E3779B97F4A7C15u ^ map.size, word;
    gsize at = 0;
    for (; at + 8 <= map.size; at += 8) {
        memcpy(&word, map.data + at, 8);
        hash = (hash ^ word) * 0xFF51AFD7ED558CCDu;
        hash ^= hash >> 32;
    }
    for (; at < map.size; at++) hash = (hash ^ map.data[at]) * 0xFF51AFD7ED558CCDu;
    gst_buffer_unmap(buffer, &map);
    return hash ^ hash >> 29;
}
#endif
