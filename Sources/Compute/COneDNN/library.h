/// Access to oneDNN for the calling thread.
#ifndef WATCHWORD_ONEDNN_LIBRARY_H
#define WATCHWORD_ONEDNN_LIBRARY_H
#include <oneapi/dnnl/dnnl.h>

/// Prepares oneDNN for the calling thread; later calls do nothing. Returns 0 if oneDNN is not usable.
int library_ready(void);

/// Return oneDNN's engine, shared by all threads, and this thread's stream; valid after library_ready() succeeded.
dnnl_engine_t library_engine(void);
dnnl_stream_t library_stream(void);
#endif
