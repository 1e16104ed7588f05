// GLib has two places where every connection passes: the resolver of proxies, which is shown the host as it is named, a
// literal address too, and the resolver of names, whose answer is what is connected to. What is refused there is never
// connected to, so a name that comes to mean another address between two looks gains nothing.
#include "CReach.h"

#include <gio/gio.h>
#include <string.h>

static ww_reach_check is_allowed;

static GError *refusal(const char *host) {
    return g_error_new(
        G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED, "%s is an address that streams may not reach, or leads to one", host);
}

static gboolean allows(const char *host, int port, GInetAddress *address) {
    if (!address) return is_allowed(host, port, NULL, 0);
    return is_allowed(host, port, g_inet_address_to_bytes(address), (int)g_inet_address_get_native_size(address));
}

// MARK: Hosts as they are named

typedef struct {
    GObject parent;
} WwProxies;
typedef struct {
    GObjectClass parent;
} WwProxiesClass;

static void ww_proxies_interface(GProxyResolverInterface *interface);
G_DEFINE_TYPE_WITH_CODE(WwProxies, ww_proxies, G_TYPE_OBJECT,
                        G_IMPLEMENT_INTERFACE(G_TYPE_PROXY_RESOLVER, ww_proxies_interface))

static void ww_proxies_init(WwProxies *self) { (void)self; }
static void ww_proxies_class_init(WwProxiesClass *class) { (void)class; }

static gchar **proxies_lookup(GProxyResolver *self, const gchar *uri, GCancellable *cancellable, GError **error) {
    (void)self, (void)cancellable;
    GSocketConnectable *place = g_network_address_parse_uri(uri, 0, error);
    if (!place) return NULL;
    const char *host = g_network_address_get_hostname(G_NETWORK_ADDRESS(place));
    int port = g_network_address_get_port(G_NETWORK_ADDRESS(place));
    // An address may have the name of an interface behind it.
    gchar **parts = g_strsplit(host, "%", 2);
    GInetAddress *address = g_inet_address_new_from_string(parts[0]);
    gboolean is_good = allows(host, port, address);
    if (!is_good) g_propagate_error(error, refusal(host));
    g_clear_object(&address);
    g_strfreev(parts);
    g_object_unref(place);
    if (!is_good) return NULL;
    static const gchar *const direct[] = {"direct://", NULL};
    return g_strdupv((gchar **)direct);
}

static void proxies_lookup_async(GProxyResolver *self, const gchar *uri, GCancellable *cancellable,
                                 GAsyncReadyCallback done, gpointer user) {
    GTask *task = g_task_new(self, cancellable, done, user);
    GError *error = NULL;
    gchar **found = proxies_lookup(self, uri, cancellable, &error);
    if (found)
        g_task_return_pointer(task, found, (GDestroyNotify)g_strfreev);
    else
        g_task_return_error(task, error);
    g_object_unref(task);
}

static gchar **proxies_lookup_finish(GProxyResolver *self, GAsyncResult *result, GError **error) {
    (void)self;
    return g_task_propagate_pointer(G_TASK(result), error);
}

static gboolean proxies_is_supported(GProxyResolver *self) {
    (void)self;
    return TRUE;
}

static void ww_proxies_interface(GProxyResolverInterface *interface) {
    interface->is_supported = proxies_is_supported;
    interface->lookup = proxies_lookup;
    interface->lookup_async = proxies_lookup_async;
    interface->lookup_finish = proxies_lookup_finish;
}

// MARK: What names resolve to

typedef struct {
    GResolver parent;
    GResolver *inner;
} WwResolver;
typedef struct {
    GResolverClass parent;
} WwResolverClass;
G_DEFINE_TYPE(WwResolver, ww_resolver, G_TYPE_RESOLVER)

// The addresses of a list that may be reached; the rest is freed.
static GList *filtered(const char *host, GList *found, GError **error) {
    GList *kept = NULL;
    for (GList *entry = found; entry; entry = entry->next) {
        if (allows(host, 0, entry->data))
            kept = g_list_append(kept, entry->data);
        else
            g_object_unref(entry->data);
    }
    gboolean was_empty = found == NULL;
    g_list_free(found);
    if (!kept && !was_empty) g_propagate_error(error, refusal(host));
    return kept;
}

static GList *resolver_lookup_with_flags(GResolver *self, const gchar *host, GResolverNameLookupFlags flags,
                                         GCancellable *cancellable, GError **error) {
    GResolver *inner = ((WwResolver *)self)->inner;
    return filtered(host, g_resolver_lookup_by_name_with_flags(inner, host, flags, cancellable, error), error);
}

static GList *resolver_lookup(GResolver *self, const gchar *host, GCancellable *cancellable, GError **error) {
    return resolver_lookup_with_flags(self, host, G_RESOLVER_NAME_LOOKUP_FLAGS_DEFAULT, cancellable, error);
}

typedef struct {
    gchar *host;
    GResolverNameLookupFlags flags;
} Wanted;

static void wanted_free(gpointer data) {
    g_free(((Wanted *)data)->host);
    g_free(data);
}

static void resolver_work(GTask *task, gpointer self, gpointer data, GCancellable *cancellable) {
    Wanted *wanted = data;
    GError *error = NULL;
    GList *found = resolver_lookup_with_flags(self, wanted->host, wanted->flags, cancellable, &error);
    if (error)
        g_task_return_error(task, error);
    else
        g_task_return_pointer(task, found, (GDestroyNotify)g_resolver_free_addresses);
}

static void resolver_lookup_with_flags_async(GResolver *self, const gchar *host, GResolverNameLookupFlags flags,
                                             GCancellable *cancellable, GAsyncReadyCallback done, gpointer user) {
    GTask *task = g_task_new(self, cancellable, done, user);
    Wanted *wanted = g_new(Wanted, 1);
    wanted->host = g_strdup(host);
    wanted->flags = flags;
    g_task_set_task_data(task, wanted, wanted_free);
    g_task_run_in_thread(task, resolver_work);
    g_object_unref(task);
}

static void resolver_lookup_async(GResolver *self, const gchar *host, GCancellable *cancellable,
                                  GAsyncReadyCallback done, gpointer user) {
    resolver_lookup_with_flags_async(self, host, G_RESOLVER_NAME_LOOKUP_FLAGS_DEFAULT, cancellable, done, user);
}

static GList *resolver_lookup_finish(GResolver *self, GAsyncResult *result, GError **error) {
    (void)self;
    return g_task_propagate_pointer(G_TASK(result), error);
}

// Nothing here asks for these; what is not there is refused, not crashed on.
static gchar *resolver_lookup_by_address(GResolver *self, GInetAddress *address, GCancellable *cancellable,
                                         GError **error) {
    return g_resolver_lookup_by_address(((WwResolver *)self)->inner, address, cancellable, error);
}

static GList *resolver_lookup_service(GResolver *self, const gchar *name, GCancellable *cancellable, GError **error) {
    (void)self, (void)cancellable;
    g_propagate_error(error, refusal(name));
    return NULL;
}

static GList *resolver_lookup_records(GResolver *self, const gchar *name, GResolverRecordType type,
                                      GCancellable *cancellable, GError **error) {
    (void)self, (void)type, (void)cancellable;
    g_propagate_error(error, refusal(name));
    return NULL;
}

static void ww_resolver_init(WwResolver *self) { self->inner = NULL; }

static void ww_resolver_class_init(WwResolverClass *class) {
    GResolverClass *resolver = G_RESOLVER_CLASS(class);
    resolver->lookup_by_name = resolver_lookup;
    resolver->lookup_by_name_async = resolver_lookup_async;
    resolver->lookup_by_name_finish = resolver_lookup_finish;
    resolver->lookup_by_name_with_flags = resolver_lookup_with_flags;
    resolver->lookup_by_name_with_flags_async = resolver_lookup_with_flags_async;
    resolver->lookup_by_name_with_flags_finish = resolver_lookup_finish;
    resolver->lookup_by_address = resolver_lookup_by_address;
    resolver->lookup_service = resolver_lookup_service;
    resolver->lookup_records = resolver_lookup_records;
}

void ww_reach_guard(ww_reach_check check) {
    if (is_allowed) return;
    is_allowed = check;
    g_io_extension_point_register(G_PROXY_RESOLVER_EXTENSION_POINT_NAME);
    g_io_extension_point_implement(G_PROXY_RESOLVER_EXTENSION_POINT_NAME, ww_proxies_get_type(), "watchword", 1000);
    WwResolver *resolver = g_object_new(ww_resolver_get_type(), NULL);
    resolver->inner = g_resolver_get_default();
    g_resolver_set_default(G_RESOLVER(resolver));
    g_object_unref(resolver);
}
