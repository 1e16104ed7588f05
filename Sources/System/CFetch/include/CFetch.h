/// Makes one HTTP request by libsoup. Like those of GStreamer's HTTP source, its connections, names and certificates
/// pass the checks of CReach.
#ifndef WATCHWORD_CFETCH_H
#define WATCHWORD_CFETCH_H
#include <stddef.h>

/// Keeps connections, and the authentication that a server asks for. Belongs to one thread.
typedef struct ww_fetcher ww_fetcher;

typedef enum {
    WW_FETCH_ANSWERED,   // whatever the status
    WW_FETCH_FAILED,     // `why` says it
    WW_FETCH_TOO_LARGE,  // it has more than `most` bytes
    WW_FETCH_CANCELLED,
} ww_fetch_outcome;

/// The answer to a request, or the reason why there is none. Texts are NULL if absent.
typedef struct {
    ww_fetch_outcome outcome;
    unsigned status;
    char *reason, *type, *tag, *modified, *location, *retry_after, *why;
    unsigned char *body;
    size_t count;
} ww_fetched;

typedef struct {
    const char *uri;              // without user and password
    const char *user, *password;  // NULL: none is given
    const char *tag, *modified;   // conditions; NULL: none
    size_t most;                  // bytes of the body
    unsigned pause;               // seconds without a byte that are waited for
} ww_fetch_request;

/// Makes a fetcher. `database`: a GTlsDatabase with the only certificates to trust; NULL trusts this machine's
/// authorities.
ww_fetcher *ww_fetcher_new(void *database);
void ww_fetcher_free(ww_fetcher *fetcher);

/// Makes a request; follows no redirect. [the fetcher's thread]
///
/// It waits for each byte as long as the request says, and for the whole until `cancellable` (a GCancellable) is
/// cancelled. The body is read if the answer is 200 and `wants` accepts its type. The answer must be given to
/// `ww_fetched_clear`.
void ww_fetch(ww_fetcher *fetcher, const ww_fetch_request *request, int (*wants)(const char *type), void *cancellable,
              ww_fetched *answer);
void ww_fetched_clear(ww_fetched *answer);

/// The address that a redirect leads to, to be freed by `ww_text_free`; NULL if it is not a URI. [any-thread]
char *ww_fetch_resolve(const char *base, const char *location);
void ww_text_free(char *text);

void *ww_fetch_cancellable_new(void);
void ww_fetch_cancel(void *cancellable);
void ww_fetch_cancellable_free(void *cancellable);

#endif
