// A database of certificates that knows one certificate: whoever shows that is trusted, whatever name it has, and
// nobody else is.
#include "CReach.h"

#include <gio/gio.h>
#include <string.h>

typedef struct {
    GTlsDatabase parent;
    guint8 digest[32];
} WwPinned;
typedef struct {
    GTlsDatabaseClass parent;
} WwPinnedClass;
G_DEFINE_TYPE(WwPinned, ww_pinned, G_TYPE_TLS_DATABASE)

static void ww_pinned_init(WwPinned *self) { memset(self->digest, 0, sizeof self->digest); }

static GTlsCertificateFlags verify(GTlsDatabase *self, GTlsCertificate *chain, const gchar *purpose,
                                   GSocketConnectable *identity, GTlsInteraction *interaction,
                                   GTlsDatabaseVerifyFlags flags, GCancellable *cancellable, GError **error) {
    (void)purpose, (void)identity, (void)interaction, (void)flags, (void)cancellable, (void)error;
    GByteArray *bytes = NULL;
    g_object_get(chain, "certificate", &bytes, NULL);
    if (!bytes) return G_TLS_CERTIFICATE_GENERIC_ERROR;
    guint8 digest[32];
    gsize size = sizeof digest;
    GChecksum *sum = g_checksum_new(G_CHECKSUM_SHA256);
    g_checksum_update(sum, bytes->data, bytes->len);
    g_checksum_get_digest(sum, digest, &size);
    g_checksum_free(sum);
    g_byte_array_unref(bytes);
    return memcmp(digest, ((WwPinned *)self)->digest, sizeof digest) == 0 ? 0 : G_TLS_CERTIFICATE_UNKNOWN_CA;
}

// Nobody asks for these: a chain is one certificate, and whose it is does not matter.
static gchar *no_handle(GTlsDatabase *self, GTlsCertificate *certificate) {
    (void)self, (void)certificate;
    return NULL;
}
static GTlsCertificate *no_certificate(GTlsDatabase *self, const gchar *handle, GTlsInteraction *interaction,
                                       GTlsDatabaseLookupFlags flags, GCancellable *cancellable, GError **error) {
    (void)self, (void)handle, (void)interaction, (void)flags, (void)cancellable, (void)error;
    return NULL;
}
static GTlsCertificate *no_issuer(GTlsDatabase *self, GTlsCertificate *certificate, GTlsInteraction *interaction,
                                  GTlsDatabaseLookupFlags flags, GCancellable *cancellable, GError **error) {
    (void)self, (void)certificate, (void)interaction, (void)flags, (void)cancellable, (void)error;
    return NULL;
}

static void ww_pinned_class_init(WwPinnedClass *class) {
    GTlsDatabaseClass *database = G_TLS_DATABASE_CLASS(class);
    database->verify_chain = verify;
    database->create_certificate_handle = no_handle;
    database->lookup_certificate_for_handle = no_certificate;
    database->lookup_certificate_issuer = no_issuer;
}

// GIO's TLS takes a session of the same server up again, and then nobody shows a certificate: whoever was trusted once
// would be, whatever is pinned now. So each connection begins anew; this stands before GnuTLS's own.
int gnutls_session_set_data(void *session, const void *data, size_t size);
int gnutls_session_set_data(void *session, const void *data, size_t size) {
    (void)session, (void)data, (void)size;
    return 0;
}

void *ww_tls_pinned(const unsigned char *digest) {
    WwPinned *pinned = g_object_new(ww_pinned_get_type(), NULL);
    memcpy(pinned->digest, digest, sizeof pinned->digest);
    return pinned;
}

void *ww_tls_file(const char *path, char **why) {
    // GIO takes absolute paths alone.
    gchar *absolute = g_canonicalize_filename(path, NULL);
    GError *error = NULL;
    GTlsDatabase *database = g_tls_file_database_new(absolute, &error);
    g_free(absolute);
    if (error && why) *why = g_strdup(error->message);
    g_clear_error(&error);
    return database;
}
