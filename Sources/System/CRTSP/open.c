// Opening a session, step by step: OPTIONS, DESCRIBE, SETUP, PLAY.
#include <gst/rtsp/rtsp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "CRTSP.h"
#include "session.h"

enum { step_limit = 5 * G_USEC_PER_SEC, usual_timeout = 60, least_timeout = 2, most_timeout = 3600 };

ww_rtsp *ww_rtsp_new(void) {
    ww_rtsp *self = g_new0(ww_rtsp, 1);
    g_mutex_init(&self->lock);
    self->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    return self;
}

static void send_only(ww_rtsp *self, GstRTSPMethod method) {
    GstRTSPMessage request = {0};
    if (gst_rtsp_message_init_request(&request, method, self->control) != GST_RTSP_OK) return;
    gst_rtsp_connection_send_usec(self->connection, &request, G_USEC_PER_SEC);
    gst_rtsp_message_unset(&request);
}

void ww_rtsp_free(ww_rtsp *self) {
    if (self->connection) {
        gst_rtsp_connection_flush(self->connection, FALSE);
        if (self->has_begun && self->control) send_only(self, GST_RTSP_TEARDOWN);
        gst_rtsp_connection_close(self->connection);
        gst_rtsp_connection_free(self->connection);
    }
    if (self->wake >= 0) close(self->wake);
    if (self->early) g_byte_array_unref(self->early);
    g_free(self->control);
    g_mutex_clear(&self->lock);
    g_free(self);
}

void ww_rtsp_cancel(ww_rtsp *self) {
    g_mutex_lock(&self->lock);
    self->is_cancelled = TRUE;
    if (self->connection) gst_rtsp_connection_flush(self->connection, TRUE);
    // The library does not look up from an answer that never ends; a socket without another side ends that.
    GSocket *socket = self->connection && !self->plays ? gst_rtsp_connection_get_read_socket(self->connection) : NULL;
    if (socket) shutdown(g_socket_get_fd(socket), SHUT_RDWR);
    g_mutex_unlock(&self->lock);
    eventfd_write(self->wake, 1);
}

static void note(ww_rtsp_session *opened, const char *reason) {
    g_strlcpy(opened->reason, reason ? reason : "", sizeof opened->reason);
}

static ww_rtsp_outcome failure(GstRTSPResult result, ww_rtsp_session *opened, ww_rtsp_outcome outcome) {
    if (result == GST_RTSP_EINTR) return WW_RTSP_IS_CANCELLED;
    gchar *text = gst_rtsp_strresult(result);
    // So the library calls a body that is larger than it may be.
    note(opened, result == GST_RTSP_ENOMEM ? "Parse error: the answer is too large" : text);
    g_free(text);
    return outcome;
}

// Seconds of `timeout=` in an answer's Session header; the usual ones if it has none.
static int session_timeout(GstRTSPMessage *response) {
    gchar *text = NULL;
    gst_rtsp_message_get_header(response, GST_RTSP_HDR_SESSION, &text, 0);
    gchar *lower = g_ascii_strdown(text ? text : "", -1);
    const char *found = strstr(lower, "timeout=");
    int seconds = found ? atoi(found + 8) : usual_timeout;
    g_free(lower);
    return CLAMP(seconds, least_timeout, most_timeout);
}

// Asks; PLAYS if the answer is 200. What rtspsrc goes on after (`may_lack`), goes on here, without an answer's headers.
static ww_rtsp_outcome ask(ww_rtsp *self, GstRTSPMessage *request, GstRTSPMessage *response, gboolean may_lack,
                           ww_rtsp_session *opened) {
    self->is_unsent = FALSE;
    GstRTSPResult result = ww_rtsp_ask(self, request, response);
    if (result != GST_RTSP_OK) return failure(result, opened, self->is_unsent ? WW_RTSP_IS_UNSENT : WW_RTSP_IS_UNHEARD);
    int status = response->type_data.response.code;
    opened->status = status;
    note(opened, response->type_data.response.reason);
    switch (status) {
    case 200: return WW_RTSP_PLAYS;
    case 405:
    case 406:
    case 501:
    case 551: return may_lack ? WW_RTSP_PLAYS : WW_RTSP_IS_UNUSUAL;
    case 461:
    case 505: return WW_RTSP_IS_UNUSUAL;
    default: return status < 400 ? WW_RTSP_IS_UNUSUAL : WW_RTSP_IS_REFUSED;
    }
}

static ww_rtsp_outcome connect_to(ww_rtsp *self, const char *uri, void *database, char **request_uri,
                                  ww_rtsp_session *opened) {
    GstRTSPUrl *url = NULL;
    if (gst_rtsp_url_parse(uri, &url) != GST_RTSP_OK) return WW_RTSP_IS_UNUSUAL;
    GstRTSPConnection *made = NULL;
    GstRTSPResult result = gst_rtsp_connection_create(url, &made);
    *request_uri = gst_rtsp_url_get_request_uri(url);
    gboolean is_secured = (url->transports & GST_RTSP_LOWER_TRANS_TLS) != 0;
    gst_rtsp_url_free(url);
    if (result != GST_RTSP_OK) return failure(result, opened, WW_RTSP_IS_UNCONNECTED);
    if (is_secured && database) gst_rtsp_connection_set_tls_database(made, database);
    gst_rtsp_connection_set_content_length_limit(made, ww_rtsp_most_body);
    g_mutex_lock(&self->lock);
    self->connection = made;
    gboolean is_cancelled = self->is_cancelled;
    g_mutex_unlock(&self->lock);
    if (is_cancelled) return WW_RTSP_IS_CANCELLED;
    result = gst_rtsp_connection_connect_usec(made, step_limit);
    if (result != GST_RTSP_OK) return failure(result, opened, WW_RTSP_IS_UNCONNECTED);
    if (is_secured) {
        GTlsConnection *secured = gst_rtsp_connection_get_tls(made, NULL);
        self->secured = secured ? g_io_stream_get_input_stream(G_IO_STREAM(secured)) : NULL;
        if (!self->secured) return WW_RTSP_IS_UNUSUAL;
    }
    return WW_RTSP_PLAYS;
}

static ww_rtsp_outcome options(ww_rtsp *self, const char *uri, ww_rtsp_session *opened) {
    GstRTSPMessage request = {0}, response = {0};
    gst_rtsp_message_init_request(&request, GST_RTSP_OPTIONS, uri);
    ww_rtsp_outcome outcome = ask(self, &request, &response, TRUE, opened);
    gchar *text = NULL;
    for (int i = 0; i < 16 && gst_rtsp_message_get_header(&response, GST_RTSP_HDR_PUBLIC, &text, i) == GST_RTSP_OK; i++)
        self->methods |= gst_rtsp_options_from_text(text);
    gst_rtsp_message_unset(&request);
    gst_rtsp_message_unset(&response);
    return outcome;
}

static ww_rtsp_outcome describe(ww_rtsp *self, const char *uri, ww_rtsp_session *opened, char **setup, char **range) {
    GstRTSPMessage request = {0}, response = {0};
    gst_rtsp_message_init_request(&request, GST_RTSP_DESCRIBE, uri);
    gst_rtsp_message_add_header(&request, GST_RTSP_HDR_ACCEPT, "application/sdp");
    ww_rtsp_outcome outcome = ask(self, &request, &response, FALSE, opened);
    if (outcome == WW_RTSP_PLAYS && !ww_rtsp_describe(self, &response, uri, opened, setup, range))
        outcome = WW_RTSP_IS_UNUSUAL;
    gst_rtsp_message_unset(&request);
    gst_rtsp_message_unset(&response);
    return outcome;
}

static ww_rtsp_outcome set_up(ww_rtsp *self, const char *uri, ww_rtsp_session *opened) {
    GstRTSPMessage request = {0}, response = {0};
    gst_rtsp_message_init_request(&request, GST_RTSP_SETUP, uri);
    gst_rtsp_message_add_header(&request, GST_RTSP_HDR_TRANSPORT, "RTP/AVP/TCP;unicast;interleaved=0-1");
    ww_rtsp_outcome outcome = ask(self, &request, &response, FALSE, opened);
    if (outcome == WW_RTSP_IS_REFUSED) outcome = WW_RTSP_IS_UNUSUAL;
    if (outcome == WW_RTSP_PLAYS) {
        self->has_begun = TRUE;
        gchar *text = NULL;
        GstRTSPTransport *transport = NULL;
        gst_rtsp_transport_new(&transport);
        gboolean is_plain = gst_rtsp_message_get_header(&response, GST_RTSP_HDR_TRANSPORT, &text, 0) == GST_RTSP_OK &&
                            gst_rtsp_transport_parse(text, transport) == GST_RTSP_OK &&
                            transport->lower_transport == GST_RTSP_LOWER_TRANS_TCP &&
                            transport->interleaved.min >= -1 && transport->interleaved.min <= 254;
        opened->channel = self->channel = MAX(transport->interleaved.min, 0);
        opened->keep_alive = (unsigned)session_timeout(&response) * 500;
        gst_rtsp_transport_free(transport);
        if (!is_plain) outcome = WW_RTSP_IS_UNUSUAL;
    }
    gst_rtsp_message_unset(&request);
    gst_rtsp_message_unset(&response);
    return outcome;
}

static ww_rtsp_outcome play(ww_rtsp *self, const char *range, ww_rtsp_session *opened) {
    GstRTSPMessage request = {0}, response = {0};
    gst_rtsp_message_init_request(&request, GST_RTSP_PLAY, self->control);
    gst_rtsp_message_add_header(&request, GST_RTSP_HDR_RANGE, range);
    ww_rtsp_outcome outcome = ask(self, &request, &response, FALSE, opened);
    if (outcome == WW_RTSP_IS_REFUSED) outcome = WW_RTSP_IS_UNUSUAL;
    gst_rtsp_message_unset(&request);
    gst_rtsp_message_unset(&response);
    return outcome;
}

ww_rtsp_outcome ww_rtsp_open(ww_rtsp *self, const char *uri, void *database, ww_rtsp_session *opened) {
    memset(opened, 0, sizeof *opened);
    char *request_uri = NULL, *setup = NULL, *range = NULL;
    ww_rtsp_outcome outcome = connect_to(self, uri, database, &request_uri, opened);
    if (outcome == WW_RTSP_PLAYS) outcome = options(self, request_uri, opened);
    if (outcome == WW_RTSP_PLAYS) outcome = describe(self, request_uri, opened, &setup, &range);
    if (outcome == WW_RTSP_PLAYS) outcome = set_up(self, setup, opened);
    if (outcome == WW_RTSP_PLAYS) outcome = play(self, range, opened);
    g_free(request_uri);
    g_free(setup);
    g_free(range);
    g_mutex_lock(&self->lock);
    if (self->is_cancelled) outcome = WW_RTSP_IS_CANCELLED;
    self->plays = outcome == WW_RTSP_PLAYS;
    g_mutex_unlock(&self->lock);
    return outcome;
}
