#ifndef WATCHWORD_CGLIB_SHIM_H
#define WATCHWORD_CGLIB_SHIM_H
#include <glib.h>
#endif
