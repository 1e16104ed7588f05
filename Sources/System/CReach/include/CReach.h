/// Asks before GLib connects to anything: every socket of RTSP, HTTP and RTMP passes here, whatever redirect led to it.
#ifndef WATCHWORD_CREACH_H
#define WATCHWORD_CREACH_H

/// Whether a host may be connected to: as it is named, with the port or 0, and one of its addresses in network order,
/// or NULL and 0 before they are known. [any-thread]
typedef int (*ww_reach_check)(const char *host, int port, const unsigned char *address, int length);

/// Asks `check` from now on. Call once, before anything connects: GLib keeps the first resolver of proxies it finds.
void ww_reach_guard(ww_reach_check check);

/// A GTlsDatabase that trusts the certificate of this SHA-256 and no other, whatever name it has; the caller owns it.
void *ww_tls_pinned(const unsigned char *digest);

/// A GTlsDatabase of a PEM file's certificates; the caller owns it. NULL, and `why` for g_free, where it has none.
void *ww_tls_file(const char *path, char **why);

#endif
