/// oneDNN on the calling thread.
#ifndef WATCHWORD_ONEDNN_LIBRARY_H
#define WATCHWORD_ONEDNN_LIBRARY_H
#include <oneapi/dnnl/dnnl.h>

/// Readies the calling thread, once; 0 if there is no oneDNN.
int library_ready(void);

/// The engine of all threads, and the stream of this one: set where library_ready().
dnnl_engine_t library_engine(void);
dnnl_stream_t library_stream(void);
#endif
