#ifndef WATCHWORD_CPIXBUF_SHIM_H
#define WATCHWORD_CPIXBUF_SHIM_H
#include <gdk-pixbuf/gdk-pixbuf.h>
#endif
