#ifndef WATCHWORD_CGSTREAMER_SHIM_H
#define WATCHWORD_CGSTREAMER_SHIM_H
#include <gst/app/gstappsink.h>
#include <gst/gst.h>
#include <gst/video/video.h>
#endif
