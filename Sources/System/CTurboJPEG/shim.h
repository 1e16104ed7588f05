#ifndef WATCHWORD_CTURBOJPEG_SHIM_H
#define WATCHWORD_CTURBOJPEG_SHIM_H
#include <turbojpeg.h>
#endif
