#ifndef WATCHWORD_CRTSP_SESSION_H
#define WATCHWORD_CRTSP_SESSION_H
#include <gst/rtsp/rtsp.h>

#include "CRTSP.h"

struct ww_rtsp {
    GMutex lock;  // of the next three
    GstRTSPConnection *connection;
    gboolean is_cancelled;
    gboolean plays;
    int wake;  // an eventfd that ends a wait
    GstRTSPMethod methods;
    char *control;       // the address that PLAY and what keeps alive are for
    gboolean has_begun;  // a session that has to be ended
    gboolean is_unsent;  // the last request failed on its way there
    int channel;
    unsigned long least;    // what the socket waits for now
    GInputStream *secured;  // of TLS, borrowed; NULL without
    GByteArray *early;      // packets that came before the answer to PLAY
    guint early_read;
};

enum { ww_rtsp_most_body = 256 * 1024, ww_rtsp_most_early = 1024 * 1024 };

// Sends a request and receives its answer, with a user and a password if it asks for them.
GstRTSPResult ww_rtsp_ask(ww_rtsp *self, GstRTSPMessage *request, GstRTSPMessage *response);

// What of a description can be played as plain packets; FALSE if that is not one H.264 or H.265 video without an end.
// `base`: the address that it is relative to. `setup` and `range` are for g_free.
gboolean ww_rtsp_describe(ww_rtsp *self, GstRTSPMessage *response, const char *base, ww_rtsp_session *opened,
                          char **setup, char **range);

#endif
