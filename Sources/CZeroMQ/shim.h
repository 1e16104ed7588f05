#ifndef WATCHWORD_CZEROMQ_SHIM_H
#define WATCHWORD_CZEROMQ_SHIM_H
#include <string.h>
#include <sys/eventfd.h>
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
#endif
