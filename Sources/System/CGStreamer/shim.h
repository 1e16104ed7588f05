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
// The same for an element of one kind; NULL also where the element of that name is of another. [any-thread]
static inline GstElement *ww_bin_get_kind(GstElement *bin, const char *name, GType kind) {
    GstElement *found = ww_bin_get(bin, name);
    if (!found || G_TYPE_CHECK_INSTANCE_TYPE(found, kind)) return found;
    gst_object_unref(found);
    return NULL;
}
static inline GstElement *ww_bin_get_app_sink(GstElement *bin, const char *name) {
    return ww_bin_get_kind(bin, name, GST_TYPE_APP_SINK);
}
static inline GstElement *ww_bin_get_app_src(GstElement *bin, const char *name) {
    return ww_bin_get_kind(bin, name, GST_TYPE_APP_SRC);
}
static inline void ww_app_sink_set_callbacks(GstElement *sink, GstAppSinkCallbacks *callbacks, gpointer user) {
    gst_app_sink_set_callbacks(GST_APP_SINK(sink), callbacks, user, NULL);
}
// What a sink takes; an element before it converts what it must, and passes the rest through. [any-thread]
static inline void ww_app_sink_set_caps(GstElement *sink, const char *text) {
    GstCaps *caps = gst_caps_from_string(text);
    gst_app_sink_set_caps(GST_APP_SINK(sink), caps);
    gst_caps_unref(caps);
}
// Answers who asks what memory a sink takes: pictures that say where their lines lie, in buffers that have room around
// them where a decoder wants it. [streaming-thread]
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
// Lets decoders give a sink's reader, which asks each picture where its lines lie (`ww_frame_map`), the pictures that
// they work on. Without an answer they copy each to where lines lie close. [any-thread]
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
    return !(g_str_has_prefix(name, "audio/") || g_str_has_prefix(name, "text/") ||
             g_str_has_prefix(name, "subpicture/") || g_str_has_prefix(name, "closedcaption/"));
}
static int ww_compare_linked(const void *pad, const void *user) {
    (void)user;
    return gst_pad_is_linked(GST_PAD(g_value_get_object(pad))) ? 0 : 1;
}
// "no-more-pads": when nothing that a bin gives is linked, it has no video. The bin itself may say so, or wait without
// end: whether it does depends on which of its threads comes first. [streaming-thread]
static void ww_fail_without_video(GstElement *bin, gpointer user) {
    (void)user;
    GstIterator *pads = gst_element_iterate_src_pads(bin);
    GValue linked = G_VALUE_INIT;
    gboolean found = gst_iterator_find_custom(pads, ww_compare_linked, &linked, NULL);
    if (found) g_value_unset(&linked);
    gst_iterator_free(pads);
    if (!found) GST_ELEMENT_ERROR(bin, STREAM, WRONG_TYPE, ("No streams to output"), (NULL));
}
static inline void ww_watch_decoder(const GValue *value, gpointer user) {
    (void)user;
    GstElement *element = GST_ELEMENT(g_value_get_object(value));
    if (!g_signal_lookup("autoplug-continue", G_OBJECT_TYPE(element))) return;
    g_signal_connect(element, "autoplug-continue", G_CALLBACK(ww_continue_with), NULL);
    g_signal_connect(element, "no-more-pads", G_CALLBACK(ww_fail_without_video), NULL);
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
// Calls `added` for every element in a pipeline, however deep, and for each that is added later, on the thread that
// adds it, before it has opened anything. [any-thread]
static inline void ww_watch_elements(GstElement *pipeline, ww_element_added added, gpointer user) {
    if (!GST_IS_BIN(pipeline)) return;
    ww_element_watch watch = {added, user};
    g_signal_connect(pipeline, "deep-element-added", G_CALLBACK(added), user);
    GstIterator *elements = gst_bin_iterate_recurse(GST_BIN(pipeline));
    gst_iterator_foreach(elements, ww_element_found, &watch);
    gst_iterator_free(elements);
}
static inline gboolean ww_is_made_by(GstElement *element, const char *factory) {
    GstElementFactory *made = gst_element_get_factory(element);
    return made && strcmp(GST_OBJECT_NAME(made), factory) == 0;
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
static inline gboolean ww_is_delta(GstBuffer *buffer) {
    return GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_DELTA_UNIT);
}
// For a probe that has passed its buffer on itself, and answers GST_PAD_PROBE_HANDLED. [streaming-thread]
static inline void ww_probe_set_flow(GstPadProbeInfo *info, GstFlowReturn flow) {
    GST_PAD_PROBE_INFO_FLOW_RETURN(info) = flow;
}
static inline GstMessageType ww_message_type(GstMessage *message) { return GST_MESSAGE_TYPE(message); }
static inline gboolean ww_message_is_from(GstMessage *message, GstElement *element) {
    return GST_MESSAGE_SRC(message) == GST_OBJECT(element);
}
static inline GstEventType ww_event_type(GstEvent *event) { return GST_EVENT_TYPE(event); }
// Ends a pipeline with a sentence of ours, which needs no other in its place. [streaming-thread]
static inline void ww_post_error(GstElement *element, const char *sentence) {
    gst_element_message_full(element, GST_MESSAGE_ERROR, GST_STREAM_ERROR, GST_STREAM_ERROR_FAILED, g_strdup(sentence),
                             NULL, __FILE__, __func__, __LINE__);
}
// Name, width and height (0 where they are not said) of a caps event, and whether a parser has read what follows. The
// caller frees the name. [streaming-thread]
static inline gchar *ww_caps_size(GstEvent *event, gint *width, gint *height, gboolean *parsed) {
    GstCaps *caps = NULL;
    gst_event_parse_caps(event, &caps);
    if (!caps || gst_caps_get_size(caps) == 0) return NULL;
    const GstStructure *first = gst_caps_get_structure(caps, 0);
    *width = *height = 0;
    *parsed = FALSE;
    gst_structure_get_int(first, "width", width);
    gst_structure_get_int(first, "height", height);
    gst_structure_get_boolean(first, "parsed", parsed);
    return g_strdup(gst_structure_get_name(first));
}
// Whether caps say that Y spans 0...255. A GstVideoInfo forgets it of a stream that names no matrix. [any-thread]
static inline gboolean ww_is_full_range(GstCaps *caps) {
    if (!caps || gst_caps_get_size(caps) == 0) return FALSE;
    const char *colours = gst_structure_get_string(gst_caps_get_structure(caps, 0), "colorimetry");
    // "range:matrix:transfer:primaries"; colours that have a name are of limited range.
    return colours && g_str_has_prefix(colours, "1:");
}
// The tag `image-orientation` of a tag event; the caller frees it. NULL if it has none. [streaming-thread]
static inline gchar *ww_orientation_tag(GstEvent *event) {
    GstTagList *tags = NULL;
    gchar *value = NULL;
    gst_event_parse_tag(event, &tags);
    return tags && gst_tag_list_get_string(tags, GST_TAG_IMAGE_ORIENTATION, &value) ? value : NULL;
}
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
// Seconds by which a running time lies ahead of the clock of the pad's element; 0 without a clock, and as long as it
// has one but does not know yet when it began (a pipeline that begins to play gives them one after the
// other). [any-thread]
static inline double ww_lead(GstPad *pad, double seconds) {
    GstElement *element = gst_pad_get_parent_element(pad);
    gboolean began = element && gst_element_get_base_time(element) != 0;
    GstClockTime now = began ? gst_element_get_current_running_time(element) : GST_CLOCK_TIME_NONE;
    if (element) gst_object_unref(element);
    return now == GST_CLOCK_TIME_NONE ? 0 : seconds - (double)now / 1e9;
}
// `needed` is called on the source's streaming thread; `done` when the source is gone. [any-thread]
static inline void ww_app_src_feed(GstElement *source, void (*needed)(GstAppSrc *, guint, gpointer), gpointer user,
                                   GDestroyNotify done) {
    GstAppSrcCallbacks callbacks = {0};
    callbacks.need_data = needed;
    gst_app_src_set_callbacks(GST_APP_SRC(source), &callbacks, user, done);
}
// Copies the bytes. [streaming-thread]
static inline GstFlowReturn ww_app_src_push(GstAppSrc *source, const void *bytes, gsize count, guint64 pts,
                                            guint64 duration) {
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
static inline gint ww_frame_stride(GstVideoFrame *frame, gint plane) {
    return GST_VIDEO_FRAME_PLANE_STRIDE(frame, plane);
}
static inline gint ww_frame_width(GstVideoFrame *frame) { return GST_VIDEO_FRAME_WIDTH(frame); }
static inline gint ww_frame_height(GstVideoFrame *frame) { return GST_VIDEO_FRAME_HEIGHT(frame); }
static inline gboolean ww_frame_map(GstVideoFrame *frame, GstVideoInfo *info, GstBuffer *buffer) {
    return gst_video_frame_map(frame, info, buffer, GST_MAP_READ);
}
// MARK: A source's place

static inline void ww_set_text(gpointer object, const char *property, const char *value) {
    g_object_set(object, property, value, NULL);
}
// Gives every element that checks certificates a database of its own, now and whenever one is added; `database` must
// live as long as the pipeline. [any-thread]
static void ww_trust_element(GstBin *pipeline, GstBin *bin, GstElement *element, gpointer database) {
    (void)pipeline, (void)bin;
    if (g_object_class_find_property(G_OBJECT_GET_CLASS(element), "tls-database"))
        g_object_set(element, "tls-database", database, NULL);
}
static inline void ww_trust(GstElement *pipeline, gpointer database) {
    ww_watch_elements(pipeline, ww_trust_element, database);
}
// A choice by its word; 0 if there is none of that name. [any-thread]
static inline gboolean ww_set_choice(GstElement *element, const char *property, const char *word) {
    GParamSpec *spec = g_object_class_find_property(G_OBJECT_GET_CLASS(element), property);
    if (!spec || !G_IS_PARAM_SPEC_ENUM(spec)) return FALSE;
    GEnumValue *value = g_enum_get_value_by_nick(G_PARAM_SPEC_ENUM(spec)->enum_class, word);
    if (value) g_object_set(element, property, value->value, NULL);
    return value != NULL;
}
static inline gboolean ww_takes_scheme(GstElement *element, const char *scheme) {
    if (!GST_IS_URI_HANDLER(element)) return FALSE;
    const gchar *const *schemes = gst_uri_handler_get_protocols(GST_URI_HANDLER(element));
    return schemes && g_strv_contains(schemes, scheme);
}
static inline gboolean ww_set_uri(GstElement *element, const char *uri, GError **error) {
    return gst_uri_handler_set_uri(GST_URI_HANDLER(element), uri, error);
}
// A property's value as a text, for `g_free`; NULL if it has none or there is no such property. [any-thread]
static inline gchar *ww_copy_text(GstElement *element, const char *property) {
    GParamSpec *spec = g_object_class_find_property(G_OBJECT_GET_CLASS(element), property);
    if (!spec || !(spec->flags & G_PARAM_READABLE)) return NULL;
    GValue value = G_VALUE_INIT;
    g_value_init(&value, spec->value_type);
    g_object_get_property(G_OBJECT(element), property, &value);
    gchar *text = G_VALUE_HOLDS_STRING(&value)    ? g_value_dup_string(&value)
                  : G_VALUE_HOLDS_BOOLEAN(&value) ? g_strdup(g_value_get_boolean(&value) ? "true" : "false")
                                                  : NULL;
    g_value_unset(&value);
    return text;
}
// "autoplug-select": demuxers that open URIs of their own accord are left out. 2 is "skip", 0 "try". [streaming-thread]
static int ww_select_demuxer(GstElement *bin, GstPad *pad, GstCaps *caps, GstElementFactory *factory, gpointer user) {
    (void)bin, (void)pad, (void)caps, (void)user;
    const char *klass = gst_element_factory_get_metadata(factory, GST_ELEMENT_METADATA_KLASS);
    gboolean demuxes = klass && strstr(klass, "Demux");
    gboolean opens = demuxes && (strstr(klass, "Adaptive") || strstr(klass, "Network") || strstr(klass, "Edit"));
    return opens || g_str_has_prefix(GST_OBJECT_NAME(factory), "avdemux_") ? 2 : 0;
}
static inline void ww_select_in(const GValue *value, gpointer user) {
    GstElement *element = GST_ELEMENT(g_value_get_object(value));
    if (g_signal_lookup("autoplug-select", G_OBJECT_TYPE(element)))
        g_signal_connect(element, "autoplug-select", G_CALLBACK(ww_select_demuxer), user);
}
// Makes every decoding bin of a pipeline leave playlists, session descriptions and the like alone. [any-thread]
static inline void ww_keep_to_one_uri(GstElement *pipeline) {
    if (!GST_IS_BIN(pipeline)) return;
    GstIterator *elements = gst_bin_iterate_recurse(GST_BIN(pipeline));
    gst_iterator_foreach(elements, ww_select_in, NULL);
    gst_iterator_free(elements);
}
static inline void ww_keep_element(const GValue *value, gpointer user) {
    GList **list = user;
    *list = g_list_prepend(*list, gst_object_ref(g_value_get_object(value)));
}
// Every element of a pipeline, however deep, for `ww_free_elements`. [any-thread]
static inline GList *ww_list_elements(GstElement *pipeline) {
    GList *list = NULL;
    if (!GST_IS_BIN(pipeline)) return g_list_prepend(NULL, gst_object_ref(pipeline));
    GstIterator *elements = gst_bin_iterate_recurse(GST_BIN(pipeline));
    gst_iterator_foreach(elements, ww_keep_element, &list);
    gst_iterator_free(elements);
    return list;
}
static inline GstElement *ww_element_of(GList *list) { return GST_ELEMENT(list->data); }
static inline void ww_free_elements(GList *list) { g_list_free_full(list, gst_object_unref); }
static inline const char *ww_factory_name(GstElement *element) {
    GstElementFactory *factory = gst_element_get_factory(element);
    return factory ? GST_OBJECT_NAME(factory) : G_OBJECT_TYPE_NAME(element);
}
// Whether an element only takes pictures apart and changes them: it writes, sends, listens and opens nothing.
// [any-thread]
static inline gboolean ww_only_looks(GstElement *element) {
    static const char *const known[] = {"appsink", "fakesink", "bin", "pipeline", NULL};
    static const char *const bad[] = {"queue2", "downloadbuffer", "fdsrc", NULL};
    static const char *const kinds[] = {"Filter", "Converter", "Decoder", "Demux", "Parser", "Depay", "Generic", NULL};
    static const char *const refused[] = {
        "Sink", "Source", "Mux", "Encoder", "Player", "Payloader", "Adaptive", "Edit", "Debug", "Testing", NULL};
    const char *name = ww_factory_name(element);
    if (g_strv_contains(known, name)) return TRUE;
    const char *klass = gst_element_get_metadata(element, GST_ELEMENT_METADATA_KLASS);
    if (!klass || g_strv_contains(bad, name) || g_str_has_prefix(name, "avdemux_")) return FALSE;
    for (int i = 0; refused[i]; i++)
        if (strstr(klass, refused[i])) return FALSE;
    for (int i = 0; kinds[i]; i++)
        if (strstr(klass, kinds[i])) return TRUE;
    return FALSE;
}
// A property of an element that names a file and is set; NULL if there is none. [any-thread]
static inline const char *ww_names_file(GstElement *element) {
    static const char *const words[] = {
        "file", "location", "path", "template", "uri", "directory", "script", "url", NULL};
    guint count = 0;
    GParamSpec **all = g_object_class_list_properties(G_OBJECT_GET_CLASS(element), &count);
    const char *found = NULL;
    for (guint i = 0; i < count && !found; i++) {
        if (all[i]->value_type != G_TYPE_STRING || !(all[i]->flags & G_PARAM_READABLE)) continue;
        for (int w = 0; words[w] && !found; w++) {
            if (!strstr(all[i]->name, words[w])) continue;
            gchar *text = ww_copy_text(element, all[i]->name);
            const char *usual = G_PARAM_SPEC_STRING(all[i])->default_value;
            if (text && *text && g_strcmp0(text, usual) != 0) found = all[i]->name;
            g_free(text);
        }
    }
    g_free(all);
    return found;
}
#endif
