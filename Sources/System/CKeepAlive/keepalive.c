#define _GNU_SOURCE
#include "CKeepAlive.h"

#include <dlfcn.h>
#include <gst/rtsp/rtsp.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    gint64 interval;  // microseconds between requests: half of the least time-out that the server has said
    gint64 due;
    gboolean asked;     // rtspsrc has been told to send one: the next request of the connection is it
    gboolean awaiting;  // somebody waits for the answer to another request
} Session;

// RFC 2326: a server that says nothing waits so many seconds.
enum { usual_timeout = 60, least_timeout = 2, most_timeout = 3600 };

static GMutex lock;
static GHashTable *sessions;
static atomic_ullong sent;
static gint64 (*original_next)(GstRTSPConnection *);
static GstRTSPResult (*original_receive)(GstRTSPConnection *, GstRTSPMessage *, gint64);
static GstRTSPResult (*original_send)(GstRTSPConnection *, GstRTSPMessage *, gint64);
static GstRTSPResult (*original_free)(GstRTSPConnection *);

__attribute__((constructor)) static void find_originals(void) {
    original_next = dlsym(RTLD_NEXT, "gst_rtsp_connection_next_timeout_usec");
    original_receive = dlsym(RTLD_NEXT, "gst_rtsp_connection_receive_usec");
    original_send = dlsym(RTLD_NEXT, "gst_rtsp_connection_send_usec");
    original_free = dlsym(RTLD_NEXT, "gst_rtsp_connection_free");
}

// Seconds of `timeout=` in an answer's Session header; 0 if it has no session, the usual ones if no time-out.
static int session_timeout(GstRTSPMessage *message) {
    gchar *text = NULL;
    if (gst_rtsp_message_get_header(message, GST_RTSP_HDR_SESSION, &text, 0) != GST_RTSP_OK || !text) return 0;
    gchar *lower = g_ascii_strdown(text, -1);
    const char *found = strstr(lower, "timeout=");
    int seconds = found ? atoi(found + 8) : usual_timeout;
    g_free(lower);
    return CLAMP(seconds, least_timeout, most_timeout);
}

static void note(GstRTSPConnection *connection, GstRTSPMessage *message) {
    if (gst_rtsp_message_get_type(message) != GST_RTSP_MESSAGE_RESPONSE) return;
    int seconds = session_timeout(message);
    gint64 interval = seconds * (gint64)G_USEC_PER_SEC / 2;
    g_mutex_lock(&lock);
    if (!sessions) sessions = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    Session *session = g_hash_table_lookup(sessions, connection);
    if (session) session->awaiting = FALSE;
    if (seconds == 0) {
        g_mutex_unlock(&lock);
        return;
    }
    if (!session) {
        session = g_new0(Session, 1);
        session->interval = interval;
        g_hash_table_insert(sessions, connection, session);
    }
    // An answer without a time-out does not lengthen one that another had.
    session->interval = MIN(session->interval, interval);
    session->due = g_get_monotonic_time() + session->interval;
    g_mutex_unlock(&lock);
}

// Microseconds until a request is due; negative if the connection has no session, or waits for an answer. `take`: if it
// is due, rtspsrc is told, and the next is due an interval later.
static gint64 remaining(GstRTSPConnection *connection, gboolean take) {
    gint64 left = -1;
    g_mutex_lock(&lock);
    Session *session = sessions ? g_hash_table_lookup(sessions, connection) : NULL;
    if (session && !session->awaiting) {
        gint64 now = g_get_monotonic_time();
        left = MAX(session->due - now, 0);
        if (left == 0 && take) {
            session->due = now + session->interval;
            session->asked = TRUE;
        }
    }
    g_mutex_unlock(&lock);
    return left;
}

unsigned long long ww_keep_alives(void) { return atomic_load(&sent); }

// MARK: In the place of the library's

gint64 gst_rtsp_connection_next_timeout_usec(GstRTSPConnection *connection) {
    gint64 usual = original_next(connection), left = remaining(connection, FALSE);
    // 0 would be no limit at all.
    return left < 0 ? usual : MIN(usual > 0 ? usual : G_MAXINT64, MAX(left, 1000));
}

GstRTSPResult gst_rtsp_connection_receive_usec(GstRTSPConnection *connection, GstRTSPMessage *message, gint64 timeout) {
    gint64 left = remaining(connection, TRUE);
    // "Nothing has come for so long": rtspsrc then sends its request, and goes on receiving.
    if (left == 0) {
        atomic_fetch_add(&sent, 1);
        return GST_RTSP_ETIMEOUT;
    }
    if (left > 0) timeout = MIN(timeout > 0 ? timeout : G_MAXINT64, left);
    GstRTSPResult result = original_receive(connection, message, timeout);
    if (result == GST_RTSP_OK) note(connection, message);
    return result;
}

GstRTSPResult gst_rtsp_connection_send_usec(GstRTSPConnection *connection, GstRTSPMessage *message, gint64 timeout) {
    if (gst_rtsp_message_get_type(message) == GST_RTSP_MESSAGE_REQUEST) {
        g_mutex_lock(&lock);
        Session *session = sessions ? g_hash_table_lookup(sessions, connection) : NULL;
        // Nobody waits for the answer to a request that keeps the session alive.
        if (session) session->awaiting = !session->asked;
        if (session) session->asked = FALSE;
        g_mutex_unlock(&lock);
    }
    return original_send(connection, message, timeout);
}

GstRTSPResult gst_rtsp_connection_free(GstRTSPConnection *connection) {
    g_mutex_lock(&lock);
    if (sessions) g_hash_table_remove(sessions, connection);
    g_mutex_unlock(&lock);
    return original_free(connection);
}
