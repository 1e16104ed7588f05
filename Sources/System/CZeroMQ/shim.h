#ifndef WATCHWORD_CZEROMQ_SHIM_H
#define WATCHWORD_CZEROMQ_SHIM_H
#include <ifaddrs.h>
#include <net/if.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zmq.h>

static inline int ww_zmq_errno(void) { return zmq_errno(); }
static inline int ww_set_int(void *socket, int option, int value) {
    return zmq_setsockopt(socket, option, &value, sizeof value);
}
static inline int ww_set_int64(void *socket, int option, int64_t value) {
    return zmq_setsockopt(socket, option, &value, sizeof value);
}
static inline int ww_subscribe(void *socket, const char *prefix) {
    return zmq_setsockopt(socket, ZMQ_SUBSCRIBE, prefix, strlen(prefix));
}
// User of the process at the other end of a local socket, or -1. Linux's `ucred`, which headers hide.
static inline int64_t ww_peer_user(int descriptor) {
    struct {
        int32_t process;
        uint32_t user, group;
    } peer;
    socklen_t size = sizeof peer;
    return getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 ? (int64_t)peer.user : -1;
}
// A lent text, or NULL.
static inline const char *ww_property(const zmq_msg_t *message, const char *name) {
    return zmq_msg_gets(message, name);
}
#endif
