/// Keeps RTSP sessions alive by a request at half of the server's time-out, whatever else flows.
///
/// rtspsrc sends one only when nothing at all has come for as long, which on a connection that carries packets never
/// happens, and takes the time-out of the last answer, which may have none. Its library offers no way to ask for more,
/// so four of that library's functions stand here before the originals, which they call; where a linker binds rtspsrc
/// to the originals, it is as it was.
#ifndef WATCHWORD_CKEEPALIVE_H
#define WATCHWORD_CKEEPALIVE_H

/// Requests that were asked for so far, over all sessions. [any-thread]
unsigned long long ww_keep_alives(void);

#endif
