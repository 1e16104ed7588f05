/// A plain RTSP session over one connection: its packets are read as bytes, in large pieces, by whoever opened it.
///
/// GStreamer's libraries connect, encrypt, authenticate and read the description, as they do for rtspsrc. Whatever is
/// not plain (redirects, other transports, several videos, films with an end, unknown codings) is left to rtspsrc.
#ifndef WATCHWORD_CRTSP_H
#define WATCHWORD_CRTSP_H

typedef struct ww_rtsp ww_rtsp;

typedef enum {
    WW_RTSP_PLAYS,
    WW_RTSP_IS_UNUSUAL,  // rtspsrc may know what to do with it
    WW_RTSP_IS_CANCELLED,
    WW_RTSP_IS_UNCONNECTED,
    WW_RTSP_IS_UNSENT,   // a request could not be sent
    WW_RTSP_IS_UNHEARD,  // an answer did not come, or was none
    WW_RTSP_IS_REFUSED,  // the server answered by `status`
} ww_rtsp_outcome;

typedef struct {
    int status;
    char reason[128];  // of the status, or of the library for what went wrong
    int is_h265;
    int payload;
    int channel;
    unsigned clock_rate;
    unsigned keep_alive;        // milliseconds between requests that keep the session alive
    char parameter_sets[4096];  // base64 with commas between, as the description has them; empty if it has none
} ww_rtsp_session;

ww_rtsp *ww_rtsp_new(void);

/// Ends the session, and frees it. Does not wait for the server.
void ww_rtsp_free(ww_rtsp *session);

/// Ends what `session` waits for, now and later. [any-thread]
void ww_rtsp_cancel(ww_rtsp *session);

/// Connects to `uri`, which may hold a user and a password, and has the server play. `database` checks certificates in
/// place of this machine's authorities, unless it is NULL. Waits at most some seconds for each answer.
ww_rtsp_outcome ww_rtsp_open(ww_rtsp *session, const char *uri, void *database, ww_rtsp_session *opened);

enum { WW_RTSP_ENDED = -1, WW_RTSP_BROKE = -2, WW_RTSP_CANCELLED = -3 };

/// Waits until `least` bytes have come, or for `wait` milliseconds, and reads what there is then; 0: nothing is.
long ww_rtsp_read(ww_rtsp *session, unsigned char *to, unsigned long capacity, unsigned long least, int wait);

/// Sends a request that keeps the session alive, whose answer comes among what is read; 0 if it cannot be sent.
int ww_rtsp_keep_alive(ww_rtsp *session);

/// Sends a receiver's report, by which some cameras know that somebody watches.
int ww_rtsp_report(ww_rtsp *session);

/// Answers a request of the server's by 200.
int ww_rtsp_answer(ww_rtsp *session, const char *sequence);

/// Tells an `appsrc` the coding of its units.
void ww_rtsp_set_caps(void *source, int is_h265);

/// Posts as `source`, an `appsrc`, what rtspsrc posts when the same happens to it. [any-thread]
void ww_rtsp_post(void *source, ww_rtsp_outcome outcome, const ww_rtsp_session *opened);
void ww_rtsp_post_end(void *source);
void ww_rtsp_post_broken(void *source, const char *reason);

#endif
