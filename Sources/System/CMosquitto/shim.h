#ifndef WATCHWORD_CMOSQUITTO_SHIM_H
#define WATCHWORD_CMOSQUITTO_SHIM_H
#include <errno.h>
#include <mosquitto.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <netinet/in.h>

// What `ww_wait` found.
enum { WW_READABLE = 1, WW_WRITABLE = 2, WW_WOKEN = 4 };

// Waits for a socket (-1: none) and for a wake; the library's own loop cannot have a descriptor above 1023.
static inline int ww_wait(int socket, int wants_write, int wake, int milliseconds) {
    struct pollfd items[2] = {{wake, POLLIN, 0}, {socket, (short)(POLLIN | (wants_write ? POLLOUT : 0)), 0}};
    if (poll(items, socket < 0 ? 1 : 2, milliseconds) <= 0) return 0;
    int found = items[0].revents ? WW_WOKEN : 0;
    if (items[1].revents & (POLLIN | POLLHUP | POLLERR)) found |= WW_READABLE;
    if (items[1].revents & POLLOUT) found |= WW_WRITABLE;
    return found;
}
static inline int ww_wake_make(void) { return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); }
static inline void ww_wake(int descriptor) { (void)!eventfd_write(descriptor, 1); }
static inline void ww_wake_take(int descriptor) {
    eventfd_t count;
    (void)!eventfd_read(descriptor, &count);
}
// A peer that has gone is an error of a write, and no signal to this thread.
static inline void ww_bear_broken_pipes(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
}
// The errno that a socket's connection failed with; 0 if it has not. [any-thread]
static inline int ww_connect_error(int descriptor) {
    int error = 0;
    socklen_t size = sizeof error;
    return getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : errno;
}
// The address at the other end in 4 or 16 bytes, and how many; 0 if there is none.
static inline int ww_peer_address(int descriptor, unsigned char *bytes) {
    struct sockaddr_storage peer;
    socklen_t size = sizeof peer;
    if (getpeername(descriptor, (struct sockaddr *)&peer, &size) != 0) return 0;
    if (peer.ss_family == AF_INET) return memcpy(bytes, &((struct sockaddr_in *)&peer)->sin_addr, 4), 4;
    if (peer.ss_family == AF_INET6) return memcpy(bytes, &((struct sockaddr_in6 *)&peer)->sin6_addr, 16), 16;
    return 0;
}
#endif
