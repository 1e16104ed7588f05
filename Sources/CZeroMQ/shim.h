#ifndef WATCHWORD_CZEROMQ_SHIM_H
#define WATCHWORD_CZEROMQ_SHIM_H
#include <zmq.h>
#endif
