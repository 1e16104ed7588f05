// Reading a session's bytes, what is sent meanwhile, and what is posted when it ends.
#include <errno.h>
#include <gst/app/gstappsrc.h>
#include <gst/rtsp/rtsp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "CRTSP.h"
#include "session.h"

static long take_early(ww_rtsp *self, unsigned char *to, unsigned long capacity) {
    guint count = (guint)MIN(capacity, self->early->len - self->early_read);
    memcpy(to, self->early->data + self->early_read, count);
    self->early_read += count;
    if (self->early_read < self->early->len) return (long)count;
    g_byte_array_unref(self->early);
    self->early = NULL;
    return (long)count;
}

static long read_now(ww_rtsp *self, int socket, unsigned char *to, unsigned long capacity) {
    if (!self->secured) {
        ssize_t count = recv(socket, to, capacity, MSG_DONTWAIT);
        if (count > 0) return (long)count;
        if (count == 0) return WW_RTSP_ENDED;
        return errno == EAGAIN || errno == EINTR ? 0 : WW_RTSP_BROKE;
    }
    GError *error = NULL;
    gssize count =
        g_pollable_input_stream_read_nonblocking(G_POLLABLE_INPUT_STREAM(self->secured), to, capacity, NULL, &error);
    if (count > 0) return (long)count;
    if (count == 0) return WW_RTSP_ENDED;
    gboolean is_early = g_error_matches(error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK);
    g_clear_error(&error);
    return is_early ? 0 : WW_RTSP_BROKE;
}

long ww_rtsp_read(ww_rtsp *self, unsigned char *to, unsigned long capacity, unsigned long least, int wait) {
    // Asked first: a sender that never pauses must not keep this from being cancelled.
    struct pollfd wake = {self->wake, POLLIN, 0};
    if (self->wake < 0 || poll(&wake, 1, 0) > 0) return WW_RTSP_CANCELLED;
    if (self->early && self->early->len > self->early_read) return take_early(self, to, capacity);
    int socket = g_socket_get_fd(gst_rtsp_connection_get_read_socket(self->connection));
    // What TLS has read ahead is no news to the socket.
    if (self->secured) {
        long count = read_now(self, socket, to, capacity);
        if (count != 0) return count;
    }
    if (least != self->least) {
        int bytes = (int)least;
        setsockopt(socket, SOL_SOCKET, SO_RCVLOWAT, &bytes, sizeof bytes);
        self->least = least;
    }
    struct pollfd places[] = {{socket, POLLIN, 0}, {self->wake, POLLIN, 0}};
    if (poll(places, 2, wait) < 0 && errno != EINTR) return WW_RTSP_BROKE;
    if (places[1].revents) return WW_RTSP_CANCELLED;
    return read_now(self, socket, to, capacity);
}

// MARK: Sending

int ww_rtsp_keep_alive(ww_rtsp *self) {
    GstRTSPMethod method = self->methods & GST_RTSP_GET_PARAMETER ? GST_RTSP_GET_PARAMETER : GST_RTSP_OPTIONS;
    GstRTSPMessage request = {0};
    if (gst_rtsp_message_init_request(&request, method, self->control) != GST_RTSP_OK) return 0;
    GstRTSPResult result = gst_rtsp_connection_send_usec(self->connection, &request, G_USEC_PER_SEC);
    gst_rtsp_message_unset(&request);
    return result == GST_RTSP_OK;
}

int ww_rtsp_report(ww_rtsp *self) {
    // An empty report and a name, of a receiver that nobody has to tell from others.
    static const guint8 report[] = {
        0x80, 201, 0, 1, 'w', 'w', 'r', 'd', 0x81, 202, 0, 3, 'w', 'w', 'r', 'd', 1, 2, 'w', 'w', 0, 0, 0, 0};
    GstRTSPMessage message = {0};
    if (gst_rtsp_message_init_data(&message, (guint8)(self->channel + 1)) != GST_RTSP_OK) return 0;
    gst_rtsp_message_set_body(&message, report, sizeof report);
    GstRTSPResult result = gst_rtsp_connection_send_usec(self->connection, &message, G_USEC_PER_SEC);
    gst_rtsp_message_unset(&message);
    return result == GST_RTSP_OK;
}

// MARK: The element

void ww_rtsp_set_caps(void *source, int is_h265) {
    GstCaps *caps = gst_caps_new_simple(is_h265 ? "video/x-h265" : "video/x-h264", "stream-format", G_TYPE_STRING,
                                        "byte-stream", "alignment", G_TYPE_STRING, "au", NULL);
    gst_app_src_set_caps(GST_APP_SRC(source), caps);
    gst_caps_unref(caps);
}

static void post_status(GstElement *element, const ww_rtsp_session *opened) {
    gint code = opened->status == 404   ? GST_RESOURCE_ERROR_NOT_FOUND
                : opened->status == 401 ? GST_RESOURCE_ERROR_NOT_AUTHORIZED
                                        : GST_RESOURCE_ERROR_READ;
    const char *sentence = opened->status == 404   ? "Not found"
                           : opened->status == 401 ? "Unauthorized"
                                                   : "Unhandled error";
    GstStructure *details = gst_structure_new("details", "rtsp-status-code", G_TYPE_UINT, (guint)opened->status, NULL);
    gst_element_message_full_with_details(element, GST_MESSAGE_ERROR, GST_RESOURCE_ERROR, code, g_strdup(sentence),
                                          g_strdup_printf("%s (%d)", opened->reason, opened->status), __FILE__,
                                          __func__, __LINE__, details);
}

void ww_rtsp_post(void *element, ww_rtsp_outcome outcome, const ww_rtsp_session *opened) {
    switch (outcome) {
    case WW_RTSP_IS_UNCONNECTED:
        GST_ELEMENT_ERROR(element, RESOURCE, OPEN_READ_WRITE, (NULL), ("Failed to connect. (%s)", opened->reason));
        break;
    case WW_RTSP_IS_UNSENT:
        GST_ELEMENT_ERROR(element, RESOURCE, WRITE, (NULL), ("Could not send message. (%s)", opened->reason));
        break;
    case WW_RTSP_IS_UNHEARD: ww_rtsp_post_broken(element, opened->reason); break;
    case WW_RTSP_IS_REFUSED: post_status(element, opened); break;
    default: break;
    }
}

void ww_rtsp_post_end(void *element) {
    GST_ELEMENT_WARNING(element, RESOURCE, READ, (NULL), ("The server closed the connection."));
    gst_app_src_end_of_stream(GST_APP_SRC(element));
}

void ww_rtsp_post_broken(void *element, const char *reason) {
    GST_ELEMENT_ERROR(element, RESOURCE, READ, (NULL), ("Could not receive message. (%s)", reason));
}
