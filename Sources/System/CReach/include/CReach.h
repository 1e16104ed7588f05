/// Checks every connection that GLib makes: all sockets of RTSP, HTTP and RTMP, those after a redirect included.
#ifndef WATCHWORD_CREACH_H
#define WATCHWORD_CREACH_H

/// Returns whether a host may be connected to. Called with the host's name and port (or 0), and with one of its
/// addresses in network order, or NULL and 0 before they are known. [any-thread]
typedef int (*ww_reach_check)(const char *host, int port, const unsigned char *address, int length);

/// Installs the check. Call once, before any connection: GLib keeps the first proxy resolver that it finds.
void ww_reach_guard(ww_reach_check check);

/// Makes a GTlsDatabase that trusts only the certificate with this SHA-256, whatever name it has; the caller owns it.
void *ww_tls_pinned(const unsigned char *digest);

/// Makes a GTlsDatabase of a PEM file's certificates; the caller owns it. NULL without any, and `why` for g_free.
void *ww_tls_file(const char *path, char **why);

#endif
