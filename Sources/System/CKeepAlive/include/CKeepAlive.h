/// Keeps RTSP sessions alive by a request at half of the server's time-out, whatever other data flows.
///
/// rtspsrc itself sends one only after receiving nothing for that long, which never happens on a connection that
/// carries packets. It also takes the time-out from the last answer, which may have none. Its library offers no option
/// for this. So four of the library's functions are defined here, in front of the originals, which they call. If a
/// linker binds rtspsrc to the originals, nothing changes.
#ifndef WATCHWORD_CKEEPALIVE_H
#define WATCHWORD_CKEEPALIVE_H

/// The number of requests so far, over all sessions. [any-thread]
unsigned long long ww_keep_alives(void);

#endif
