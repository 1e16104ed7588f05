// One request and its answer, and what comes between; users and passwords; descriptions.
#include <gst/rtsp/rtsp.h>
#include <gst/sdp/gstsdpmessage.h>
#include <stdlib.h>
#include <string.h>

#include "CRTSP.h"
#include "session.h"

enum { step_limit = 5 * G_USEC_PER_SEC };

// MARK: Users and passwords

static gboolean is_known(GstRTSPAuthCredential *credential) {
    if (credential->scheme == GST_RTSP_AUTH_BASIC) return TRUE;
    if (credential->scheme != GST_RTSP_AUTH_DIGEST) return FALSE;
    for (GstRTSPAuthParam **param = credential->params; param && *param; param++)
        if (!g_ascii_strcasecmp((*param)->name, "algorithm") && g_ascii_strcasecmp((*param)->value, "MD5"))
            return FALSE;
    return TRUE;
}

// Prepares the next request for what a server asks for: digest before basic. FALSE if there is no user, or no way.
static gboolean authenticate(ww_rtsp *self, GstRTSPMessage *response) {
    GstRTSPUrl *url = gst_rtsp_connection_get_url(self->connection);
    if (!url || !url->user || !url->passwd) return FALSE;
    GstRTSPAuthCredential **all = gst_rtsp_message_parse_auth_credentials(response, GST_RTSP_HDR_WWW_AUTHENTICATE);
    GstRTSPAuthCredential *best = NULL;
    for (GstRTSPAuthCredential **next = all; next && *next; next++)
        if (is_known(*next) && (!best || (*next)->scheme > best->scheme)) best = *next;
    gboolean is_set = FALSE;
    if (best) {
        gst_rtsp_connection_clear_auth_params(self->connection);
        if (best->scheme == GST_RTSP_AUTH_DIGEST)
            for (GstRTSPAuthParam **param = best->params; param && *param; param++)
                gst_rtsp_connection_set_auth_param(self->connection, (*param)->name, (*param)->value);
        is_set = gst_rtsp_connection_set_auth(self->connection, best->scheme, url->user, url->passwd) == GST_RTSP_OK;
    }
    if (all) gst_rtsp_auth_credentials_free(all);
    return is_set;
}

// MARK: One request

static void keep(ww_rtsp *self, GstRTSPMessage *message) {
    guint8 *bytes = NULL;
    guint size = 0;
    // The library puts a zero behind each body, and counts it.
    if (gst_rtsp_message_get_body(message, &bytes, &size) != GST_RTSP_OK || size < 2) return;
    guint count = size - 1;
    if (!self->early) self->early = g_byte_array_new();
    if (count > G_MAXUINT16 || self->early->len + count + 4 > ww_rtsp_most_early) return;
    guint8 head[4] = {'$', message->type_data.data.channel, (guint8)(count >> 8), (guint8)count};
    g_byte_array_append(self->early, head, sizeof head);
    g_byte_array_append(self->early, bytes, count);
}

static GstRTSPResult receive(ww_rtsp *self, GstRTSPMessage *response) {
    const gint64 end = g_get_monotonic_time() + step_limit;
    for (gint64 left = step_limit; left > 0; left = end - g_get_monotonic_time()) {
        GstRTSPResult result = gst_rtsp_connection_receive_usec(self->connection, response, left);
        if (result != GST_RTSP_OK) return result;
        gchar *sequence = NULL;
        switch (gst_rtsp_message_get_type(response)) {
        case GST_RTSP_MESSAGE_RESPONSE: return GST_RTSP_OK;
        case GST_RTSP_MESSAGE_DATA: keep(self, response); break;
        case GST_RTSP_MESSAGE_REQUEST:
            gst_rtsp_message_get_header(response, GST_RTSP_HDR_CSEQ, &sequence, 0);
            ww_rtsp_answer(self, sequence ? sequence : "0");
            break;
        default: break;
        }
        gst_rtsp_message_unset(response);
    }
    return GST_RTSP_ETIMEOUT;
}

GstRTSPResult ww_rtsp_ask(ww_rtsp *self, GstRTSPMessage *request, GstRTSPMessage *response) {
    gst_rtsp_message_add_header(request, GST_RTSP_HDR_USER_AGENT, "Watchword");
    for (int attempt = 0;; attempt++) {
        gst_rtsp_message_remove_header(request, GST_RTSP_HDR_AUTHORIZATION, -1);
        GstRTSPResult result = gst_rtsp_connection_send_usec(self->connection, request, step_limit);
        self->is_unsent = result != GST_RTSP_OK;
        if (self->is_unsent) return result;
        result = receive(self, response);
        if (result != GST_RTSP_OK) return result;
        if (response->type_data.response.code != GST_RTSP_STS_UNAUTHORIZED || attempt > 0) return GST_RTSP_OK;
        if (!authenticate(self, response)) return GST_RTSP_OK;
        gst_rtsp_message_unset(response);
    }
}

int ww_rtsp_answer(ww_rtsp *self, const char *sequence) {
    GstRTSPMessage answer = {0};
    gst_rtsp_message_init_response(&answer, GST_RTSP_STS_OK, "OK", NULL);
    gst_rtsp_message_add_header(&answer, GST_RTSP_HDR_CSEQ, sequence);
    GstRTSPResult result = gst_rtsp_connection_send_usec(self->connection, &answer, G_USEC_PER_SEC);
    gst_rtsp_message_unset(&answer);
    return result == GST_RTSP_OK;
}

// MARK: Descriptions

// Whether a description has an end, as a film's has, and what is asked for of it: for g_free.
static gboolean ends(const GstSDPMessage *sdp, const GstSDPMedia *media, char **asked) {
    const char *text = gst_sdp_media_get_attribute_val(media, "range");
    if (!text) text = gst_sdp_message_get_attribute_val(sdp, "range");
    *asked = g_strdup(text && g_str_has_prefix(text, "npt=now") ? "npt=now-" : "npt=0-");
    GstRTSPTimeRange *range = NULL;
    if (!text || gst_rtsp_range_parse(text, &range) != GST_RTSP_OK) return FALSE;
    gboolean found = range->max.type != GST_RTSP_TIME_END;
    gst_rtsp_range_free(range);
    return found;
}

static gboolean take_coding(const GstSDPMedia *media, ww_rtsp_session *opened) {
    opened->payload = atoi(gst_sdp_media_get_format(media, 0));
    if (opened->payload < 0 || opened->payload > 127) return FALSE;
    GstCaps *caps = gst_sdp_media_get_caps_from_media(media, opened->payload);
    if (!caps || gst_caps_get_size(caps) == 0) return FALSE;
    const GstStructure *told = gst_caps_get_structure(caps, 0);
    const char *coding = gst_structure_get_string(told, "encoding-name");
    const char *mode = gst_structure_get_string(told, "packetization-mode");
    const char *order = gst_structure_get_string(told, "sprop-max-don-diff");
    gint rate = 0;
    gst_structure_get_int(told, "clock-rate", &rate);
    opened->clock_rate = rate > 0 ? (unsigned)rate : 0;
    opened->is_h265 = g_strcmp0(coding, "H265") == 0;
    gboolean is_plain = opened->is_h265 ? !order || !strcmp(order, "0")
                                        : g_strcmp0(coding, "H264") == 0 && (!mode || strcmp(mode, "2"));
    const char *names[] = {"sprop-parameter-sets", "sprop-vps", "sprop-sps", "sprop-pps"};
    for (int i = 0; i < 4; i++) {
        const char *sets = gst_structure_get_string(told, names[i]);
        if (!sets) continue;
        g_strlcat(opened->parameter_sets, sets, sizeof opened->parameter_sets);
        g_strlcat(opened->parameter_sets, ",", sizeof opened->parameter_sets);
    }
    gst_caps_unref(caps);
    return is_plain && rate > 0;
}

// The one video of a description that packets within the connection can carry; NULL if there are others.
static const GstSDPMedia *only_video(const GstSDPMessage *sdp) {
    const GstSDPMedia *found = NULL;
    for (guint i = 0; i < gst_sdp_message_medias_len(sdp); i++) {
        const GstSDPMedia *media = gst_sdp_message_get_media(sdp, i);
        if (g_strcmp0(gst_sdp_media_get_media(media), "video") != 0) continue;
        if (found || g_strcmp0(gst_sdp_media_get_proto(media), "RTP/AVP") != 0) return NULL;
        if (gst_sdp_media_formats_len(media) != 1) return NULL;
        found = media;
    }
    return found;
}

// Whether an absolute address is one of the server that is connected to.
static gboolean is_here(ww_rtsp *self, const char *uri) {
    GstRTSPUrl *url = NULL, *here = gst_rtsp_connection_get_url(self->connection);
    if (gst_rtsp_url_parse(uri, &url) != GST_RTSP_OK) return FALSE;
    gboolean same = g_strcmp0(url->host, here->host) == 0 && url->port == here->port;
    gst_rtsp_url_free(url);
    return same;
}

static gboolean is_absolute(const char *uri) {
    return uri && (g_str_has_prefix(uri, "rtsp://") || g_str_has_prefix(uri, "rtsps://"));
}

static gboolean take_addresses(ww_rtsp *self, const GstSDPMessage *sdp, const GstSDPMedia *media, const char *base,
                               char **setup) {
    const char *all = gst_sdp_message_get_attribute_val(sdp, "control");
    self->control = g_strdup(is_absolute(all) ? all : base);
    const char *own = gst_sdp_media_get_attribute_val(media, "control");
    if (!own || !strcmp(own, "*"))
        *setup = g_strdup(self->control);
    else if (is_absolute(own))
        *setup = g_strdup(own);
    else
        *setup =
            g_strconcat(self->control, own[0] == '/' || g_str_has_suffix(self->control, "/") ? "" : "/", own, NULL);
    return (!is_absolute(all) || is_here(self, all)) && (!is_absolute(own) || is_here(self, own));
}

gboolean ww_rtsp_describe(ww_rtsp *self, GstRTSPMessage *response, const char *base, ww_rtsp_session *opened,
                          char **setup, char **range) {
    guint8 *body = NULL;
    guint size = 0;
    gchar *kind = NULL, *content = NULL;
    gst_rtsp_message_get_body(response, &body, &size);
    gst_rtsp_message_get_header(response, GST_RTSP_HDR_CONTENT_TYPE, &kind, 0);
    if (!body || size < 2 || (kind && g_ascii_strncasecmp(kind, "application/sdp", 15))) return FALSE;
    gst_rtsp_message_get_header(response, GST_RTSP_HDR_CONTENT_BASE, &content, 0);
    GstSDPMessage *sdp = NULL;
    gst_sdp_message_new(&sdp);
    gboolean is_plain = gst_sdp_message_parse_buffer(body, size - 1, sdp) == GST_SDP_OK;
    const GstSDPMedia *video = is_plain ? only_video(sdp) : NULL;
    is_plain = video && !ends(sdp, video, range) && take_coding(video, opened) &&
               take_addresses(self, sdp, video, is_absolute(content) ? content : base, setup);
    gst_sdp_message_free(sdp);
    return is_plain;
}
