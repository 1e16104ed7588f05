#ifndef WATCHWORD_CGSTREAMER_FLOW_H
#define WATCHWORD_CGSTREAMER_FLOW_H
#include <gst/base/gstbasesrc.h>
#include <gst/gst.h>
#include <string.h>

// The flow of a pipeline: rewriting it, stamping it, and noticing that nothing does.

// MARK: Rewriting

static inline gboolean ww_is_source(GstElement *element) { return GST_IS_BASE_SRC(element); }
// The Content-Type that an event with an HTTP answer's headers tells; the caller frees it. NULL for other events and
// where there is none. [streaming-thread]
static inline gchar *ww_http_content_type(GstEvent *event) {
    const GstStructure *told = gst_event_get_structure(event);
    if (!told || !gst_structure_has_name(told, "http-headers")) return NULL;
    const GValue *answer = gst_structure_get_value(told, "response-headers");
    if (!answer || !GST_VALUE_HOLDS_STRUCTURE(answer)) return NULL;
    const GstStructure *headers = gst_value_get_structure(answer);
    for (gint i = 0; i < gst_structure_n_fields(headers); i++) {
        const char *name = gst_structure_nth_field_name(headers, (guint)i);
        if (!g_ascii_strcasecmp(name, "Content-Type")) return g_strdup(gst_structure_get_string(headers, name));
    }
    return NULL;
}
// Puts bytes in the place of a probe's buffer, of which they keep nothing. [streaming-thread]
static inline void ww_probe_set_bytes(GstPadProbeInfo *info, const void *bytes, gsize count) {
    gst_buffer_unref(GST_PAD_PROBE_INFO_BUFFER(info));
    GST_PAD_PROBE_INFO_DATA(info) = gst_buffer_new_memdup(bytes, count);
}
// Gives a probe's buffer a time stamp. [streaming-thread]
static inline void ww_probe_set_time(GstPadProbeInfo *info, GstClockTime time) {
    GstBuffer *buffer = gst_buffer_make_writable(GST_PAD_PROBE_INFO_BUFFER(info));
    GST_BUFFER_PTS(buffer) = time;
    GST_PAD_PROBE_INFO_DATA(info) = buffer;
}
// Writes big-endian numbers into a copy of a probe's buffer. [streaming-thread]
static inline void ww_probe_write(GstPadProbeInfo *info, gsize at, const void *bytes, gsize count) {
    GstBuffer *buffer = gst_buffer_copy_deep(GST_PAD_PROBE_INFO_BUFFER(info));
    gst_buffer_fill(buffer, at, bytes, count);
    gst_buffer_unref(GST_PAD_PROBE_INFO_BUFFER(info));
    GST_PAD_PROBE_INFO_DATA(info) = buffer;
}

// MARK: The end of a file

static inline GQuark ww_reading(void) { return g_quark_from_static_string("watchword-getrange"); }
static GstFlowReturn ww_read_or_fail(GstPad *pad, GstObject *parent, guint64 offset, guint length, GstBuffer **buffer) {
    GstPadGetRangeFunction read = (GstPadGetRangeFunction)g_object_get_qdata(G_OBJECT(pad), ww_reading());
    GstFlowReturn flow = read ? read(pad, parent, offset, length, buffer) : GST_FLOW_ERROR;
    return flow == GST_FLOW_EOS ? GST_FLOW_ERROR : flow;
}
static void ww_demuxer_linked(GstPad *pad, GstPad *peer, gpointer user) {
    (void)pad, (void)user;
    GstPadGetRangeFunction read = GST_PAD_GETRANGEFUNC(peer);
    if (!read || read == ww_read_or_fail) return;
    g_object_set_qdata(G_OBJECT(peer), ww_reading(), (gpointer)read);
    gst_pad_set_getrange_function(peer, ww_read_or_fail);
}
// libavformat's demuxers of some kinds take GStreamer's answer at the end of a file, no bytes, for no answer, and ask
// without end; an error ends them as the end should. [any-thread]
static inline void ww_end_reading(GstElement *element) {
    GstElementFactory *factory = gst_element_get_factory(element);
    if (!factory || !g_str_has_prefix(GST_OBJECT_NAME(factory), "avdemux_")) return;
    GstPad *pad = gst_element_get_static_pad(element, "sink");
    if (!pad) return;
    g_signal_connect(pad, "linked", G_CALLBACK(ww_demuxer_linked), NULL);
    gst_object_unref(pad);
}

// MARK: Noticing that nothing flows

static inline void ww_count_tasks(const GValue *value, gpointer user) {
    GstElement *element = GST_ELEMENT(g_value_get_object(value));
    GST_OBJECT_LOCK(element);
    for (GList *pads = element->pads; pads; pads = pads->next) {
        GstPad *pad = GST_PAD(pads->data);
        GST_OBJECT_LOCK(pad);
        GstTask *task = GST_PAD_TASK(pad);
        if (task && gst_task_get_state(task) == GST_TASK_STARTED) ++*(gint *)user;
        GST_OBJECT_UNLOCK(pad);
    }
    GST_OBJECT_UNLOCK(element);
}
// Threads of a pipeline's pads that run, or wait for something to do. [any-thread but streaming ones]
static inline gint ww_running_tasks(GstElement *pipeline) {
    gint count = 0;
    if (!GST_IS_BIN(pipeline)) return 1;
    GstIterator *elements = gst_bin_iterate_recurse(GST_BIN(pipeline));
    while (gst_iterator_foreach(elements, ww_count_tasks, &count) == GST_ITERATOR_RESYNC) {
        count = 0;
        gst_iterator_resync(elements);
    }
    gst_iterator_free(elements);
    return count;
}
typedef struct {
    GstElement *pipeline;
    GstBin *bin;
} ww_decoding_bin;
static inline const char *ww_noted(void) { return "watchword-noted-error"; }
static gpointer ww_ref_noted(gpointer message, gpointer user) {
    (void)user;
    return message ? gst_message_ref(message) : NULL;
}
static void ww_free_noted(gpointer message) { gst_message_unref(message); }
static GstBusSyncReply ww_note_error(GstBus *bus, GstMessage *message, gpointer user) {
    (void)bus;
    ww_decoding_bin *place = user;
    if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR)
        g_object_set_data_full(G_OBJECT(place->pipeline), ww_noted(), gst_message_ref(message), ww_free_noted);
    // What a bin's own handler does.
    GST_BIN_GET_CLASS(place->bin)->handle_message(place->bin, message);
    return GST_BUS_DROP;
}
// Notes errors of elements that a decoding bin is just linking: it drops them, also where that element was the right
// one and its thread is quick to fail. Then nobody is told. [any-thread]
static inline void ww_note_errors(GstElement *pipeline, GstElement *element) {
    const char *type = G_OBJECT_TYPE_NAME(element);
    if (!GST_IS_BIN(element) || (strcmp(type, "GstDecodeBin") && strcmp(type, "GstParseBin"))) return;
    ww_decoding_bin *place = g_new(ww_decoding_bin, 1);
    *place = (ww_decoding_bin){pipeline, GST_BIN(element)};
    gst_bus_set_sync_handler(GST_BIN(element)->child_bus, ww_note_error, place, g_free);
}
// The last error that was noted, for `ww_unref_message`; NULL if there is none. [any-thread]
static inline GstMessage *ww_noted_error(GstElement *pipeline) {
    return g_object_dup_data(G_OBJECT(pipeline), ww_noted(), ww_ref_noted, NULL);
}
#endif
