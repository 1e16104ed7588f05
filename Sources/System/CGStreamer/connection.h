#ifndef WATCHWORD_CGSTREAMER_CONNECTION_H
#define WATCHWORD_CGSTREAMER_CONNECTION_H
#include <gio/gio.h>

// Connecting as sources do it, by GIO, step by step: GStreamer's own sentence leaves out which step failed.

typedef enum {
    WW_CONNECTED,
    WW_UNRESOLVED,      // there is no such name
    WW_NO_NAME_SERVER,  // nobody says whether there is
    WW_REFUSED,
    WW_UNREACHABLE,
    WW_TIMED_OUT,
    WW_BAD_CERTIFICATE,
    WW_NO_TLS,  // the other side speaks something else
    WW_NOT_CONNECTED,
} ww_connection;

typedef struct {
    gboolean began;
    GTlsCertificateFlags errors;  // what is wrong with the certificate
    char fingerprint[65];         // of the certificate, SHA-256 in hexadecimal
    gpointer database;            // whose certificates are trusted; NULL for this machine's authorities
} ww_handshake;

static gboolean ww_note_certificate(GTlsConnection *connection, GTlsCertificate *certificate,
                                    GTlsCertificateFlags errors, gpointer user) {
    (void)connection;
    ww_handshake *handshake = user;
    handshake->errors = errors;
    GByteArray *bytes = NULL;
    g_object_get(certificate, "certificate", &bytes, NULL);
    if (!bytes) return FALSE;
    gchar *text = g_compute_checksum_for_data(G_CHECKSUM_SHA256, bytes->data, bytes->len);
    g_strlcpy(handshake->fingerprint, text, sizeof(handshake->fingerprint));
    g_free(text);
    g_byte_array_unref(bytes);
    return FALSE;
}
static void ww_note_handshake(GSocketClient *client, GSocketClientEvent event, GSocketConnectable *to,
                              GIOStream *stream, gpointer user) {
    (void)client, (void)to;
    if (event != G_SOCKET_CLIENT_TLS_HANDSHAKING) return;
    ww_handshake *handshake = user;
    handshake->began = TRUE;
    if (handshake->database) g_tls_connection_set_database(G_TLS_CONNECTION(stream), handshake->database);
    g_signal_connect(stream, "accept-certificate", G_CALLBACK(ww_note_certificate), user);
}
static inline ww_connection ww_connection_of(GError *error, gboolean tls) {
    if (error->domain == G_TLS_ERROR)
        return error->code == G_TLS_ERROR_BAD_CERTIFICATE ? WW_BAD_CERTIFICATE : WW_NO_TLS;
    if (error->domain != G_IO_ERROR) return WW_NOT_CONNECTED;
    switch (error->code) {
    case G_IO_ERROR_CONNECTION_REFUSED: return WW_REFUSED;
    case G_IO_ERROR_HOST_UNREACHABLE:
    case G_IO_ERROR_NETWORK_UNREACHABLE: return WW_UNREACHABLE;
    case G_IO_ERROR_TIMED_OUT:
    case G_IO_ERROR_CANCELLED: return WW_TIMED_OUT;
    default: return tls ? WW_NO_TLS : WW_NOT_CONNECTED;
    }
}
// Resolves and connects, and shakes hands if it is TLS. Nothing else is sent.
// Waits: for a connection at most `seconds`, for all of it until it is cancelled. [any-thread]
static inline ww_connection ww_connect(const char *host, guint16 port, gboolean tls, guint seconds,
                                       GCancellable *cancellable, ww_handshake *handshake) {
    GError *error = NULL;
    GResolver *resolver = g_resolver_get_default();
    GList *addresses = g_resolver_lookup_by_name(resolver, host, cancellable, &error);
    g_object_unref(resolver);
    if (!addresses) {
        gboolean is_known = error && error->domain == G_RESOLVER_ERROR && error->code == G_RESOLVER_ERROR_NOT_FOUND;
        g_clear_error(&error);
        return is_known ? WW_UNRESOLVED : WW_NO_NAME_SERVER;
    }
    g_resolver_free_addresses(addresses);
    GSocketClient *client = g_socket_client_new();
    g_socket_client_set_timeout(client, seconds);
    g_socket_client_set_tls(client, tls);
    g_signal_connect(client, "event", G_CALLBACK(ww_note_handshake), handshake);
    GSocketConnection *connection = g_socket_client_connect_to_host(client, host, port, cancellable, &error);
    ww_connection result = connection ? WW_CONNECTED : error ? ww_connection_of(error, tls) : WW_NOT_CONNECTED;
    // Connected, and then no word of TLS.
    if (handshake->began && result == WW_TIMED_OUT) result = WW_NO_TLS;
    g_clear_error(&error);
    if (connection) g_object_unref(connection);
    g_object_unref(client);
    return result;
}
#endif
