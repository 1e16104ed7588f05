#include "CFetch.h"

#include <gio/gio.h>
#include <string.h>

#include "soup.h"

struct ww_fetcher {
    GMainContext *context;
    SoupSession *session;
};

ww_fetcher *ww_fetcher_new(void *database) {
    ww_fetcher *fetcher = g_new0(ww_fetcher, 1);
    // Nobody else's loop is to run what the session plans.
    fetcher->context = g_main_context_new();
    g_main_context_push_thread_default(fetcher->context);
    fetcher->session = soup_session_new();
    soup_session_set_user_agent(fetcher->session, "Watchword");
    if (database) g_object_set(fetcher->session, "tls-database", database, NULL);
    // Pictures are packed already; what is unpacked has no size that the answer tells.
    soup_session_remove_feature_by_type(fetcher->session, soup_content_decoder_get_type());
    return fetcher;
}

void ww_fetcher_free(ww_fetcher *fetcher) {
    g_object_unref(fetcher->session);
    g_main_context_pop_thread_default(fetcher->context);
    g_main_context_unref(fetcher->context);
    g_free(fetcher);
}

// "authenticate": tells who asks, once.
static gboolean authenticate(SoupMessage *message, SoupAuth *auth, gboolean retrying, gpointer user) {
    (void)message;
    const ww_fetch_request *request = user;
    if (retrying || !request->user) return FALSE;
    soup_auth_authenticate(auth, request->user, request->password);
    return TRUE;
}

static void fail(ww_fetched *answer, GError *error, GCancellable *cancellable) {
    answer->outcome = g_cancellable_is_cancelled(cancellable) ? WW_FETCH_CANCELLED : WW_FETCH_FAILED;
    answer->why = g_strdup(error ? error->message : "unknown error");
    g_clear_error(&error);
}

static void read_body(GInputStream *stream, size_t most, GCancellable *cancellable, ww_fetched *answer) {
    GByteArray *body = g_byte_array_new();
    guint8 chunk[16384];
    GError *error = NULL;
    gssize count;
    while ((count = g_input_stream_read(stream, chunk, sizeof chunk, cancellable, &error)) > 0) {
        if (body->len + (size_t)count > most) {
            answer->outcome = WW_FETCH_TOO_LARGE;
            break;
        }
        g_byte_array_append(body, chunk, (guint)count);
    }
    if (count < 0) fail(answer, error, cancellable);
    answer->count = body->len;
    answer->body = g_byte_array_free(body, FALSE);
}

void ww_fetch(ww_fetcher *fetcher, const ww_fetch_request *request, int (*wants)(const char *type), void *cancellable,
              ww_fetched *answer) {
    memset(answer, 0, sizeof *answer);
    SoupMessage *message = soup_message_new("GET", request->uri);
    if (!message) {
        answer->outcome = WW_FETCH_FAILED;
        answer->why = g_strdup("that is no address of HTTP");
        return;
    }
    soup_session_set_timeout(fetcher->session, request->pause);
    soup_message_add_flags(message, SOUP_MESSAGE_NO_REDIRECT);
    SoupMessageHeaders *asked = soup_message_get_request_headers(message);
    soup_message_headers_replace(asked, "Accept", "image/*, */*;q=0.5");
    if (request->tag) soup_message_headers_replace(asked, "If-None-Match", request->tag);
    if (request->modified) soup_message_headers_replace(asked, "If-Modified-Since", request->modified);
    g_signal_connect(message, "authenticate", G_CALLBACK(authenticate), (gpointer)request);
    GError *error = NULL;
    GInputStream *stream = soup_session_send(fetcher->session, message, cancellable, &error);
    if (!stream) {
        fail(answer, error, cancellable);
        g_object_unref(message);
        return;
    }
    answer->outcome = WW_FETCH_ANSWERED;
    answer->status = soup_message_get_status(message);
    answer->reason = g_strdup(soup_message_get_reason_phrase(message));
    SoupMessageHeaders *said = soup_message_get_response_headers(message);
    answer->type = g_strdup(soup_message_headers_get_one(said, "Content-Type"));
    answer->tag = g_strdup(soup_message_headers_get_one(said, "ETag"));
    answer->modified = g_strdup(soup_message_headers_get_one(said, "Last-Modified"));
    answer->location = g_strdup(soup_message_headers_get_one(said, "Location"));
    answer->retry_after = g_strdup(soup_message_headers_get_one(said, "Retry-After"));
    if (answer->status == 200 && wants(answer->type)) {
        read_body(stream, request->most, cancellable, answer);
    } else if (answer->status != 200) {
        // A little is read, so that the connection can be used again.
        guint8 rest[4096];
        gsize count = 0;
        g_input_stream_read_all(stream, rest, sizeof rest, &count, cancellable, NULL);
    }
    g_object_unref(stream);
    g_object_unref(message);
}

void ww_fetched_clear(ww_fetched *answer) {
    char *texts[] = {answer->reason,   answer->type,        answer->tag, answer->modified,
                     answer->location, answer->retry_after, answer->why};
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) g_free(texts[i]);
    g_free(answer->body);
    memset(answer, 0, sizeof *answer);
}

char *ww_fetch_resolve(const char *base, const char *location) {
    return g_uri_resolve_relative(base, location, G_URI_FLAGS_ENCODED, NULL);
}

void ww_text_free(char *text) { g_free(text); }
void *ww_fetch_cancellable_new(void) { return g_cancellable_new(); }
void ww_fetch_cancel(void *cancellable) { g_cancellable_cancel(cancellable); }
void ww_fetch_cancellable_free(void *cancellable) { g_object_unref(cancellable); }
