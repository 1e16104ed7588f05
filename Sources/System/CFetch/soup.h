// The part of libsoup's stable interface (3.0) that is used here. Its own headers come in a package that brings a whole
// desktop with it; the library itself is here wherever GStreamer's HTTP source is.
#ifndef WATCHWORD_CFETCH_SOUP_H
#define WATCHWORD_CFETCH_SOUP_H
#include <gio/gio.h>

typedef struct _SoupSession SoupSession;
typedef struct _SoupMessage SoupMessage;
typedef struct _SoupMessageHeaders SoupMessageHeaders;
typedef struct _SoupAuth SoupAuth;

enum { SOUP_MESSAGE_NO_REDIRECT = 1 << 1 };

GType soup_content_decoder_get_type(void);
SoupSession *soup_session_new(void);
void soup_session_set_timeout(SoupSession *session, guint seconds);
void soup_session_set_user_agent(SoupSession *session, const char *name);
void soup_session_remove_feature_by_type(SoupSession *session, GType type);
GInputStream *soup_session_send(SoupSession *session, SoupMessage *message, GCancellable *cancellable, GError **error);
SoupMessage *soup_message_new(const char *method, const char *uri);
void soup_message_add_flags(SoupMessage *message, guint flags);
guint soup_message_get_status(SoupMessage *message);
const char *soup_message_get_reason_phrase(SoupMessage *message);
SoupMessageHeaders *soup_message_get_request_headers(SoupMessage *message);
SoupMessageHeaders *soup_message_get_response_headers(SoupMessage *message);
void soup_message_headers_replace(SoupMessageHeaders *headers, const char *name, const char *value);
const char *soup_message_headers_get_one(SoupMessageHeaders *headers, const char *name);
void soup_auth_authenticate(SoupAuth *auth, const char *user, const char *password);

#endif
