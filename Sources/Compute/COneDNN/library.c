#define _GNU_SOURCE
#include "library.h"

#include <dlfcn.h>
#include <pthread.h>

#include "COneDNN.h"

static dnnl_engine_t engine;
static pthread_once_t once = PTHREAD_ONCE_INIT;
// oneDNN computes on the thread that calls it: its OpenMP runtime would wait, spinning, for threads that the system
// does not run. Rows are spread over the pool instead.
static _Thread_local dnnl_stream_t stream;

static void start(void) {
    if (dnnl_engine_create(&engine, dnnl_cpu, 0) != dnnl_success) engine = NULL;
}

int library_ready(void) {
    if (stream) return 1;
    pthread_once(&once, start);
    void (*set)(int) = (void (*)(int))dlsym(RTLD_DEFAULT, "omp_set_num_threads");
    if (set) set(1);
    if (!engine || dnnl_stream_create(&stream, engine, dnnl_stream_default_flags) != dnnl_success) stream = NULL;
    return stream != NULL;
}

dnnl_engine_t library_engine(void) { return engine; }
dnnl_stream_t library_stream(void) { return stream; }

int ww_onednn_version(void) {
    const dnnl_version_t *v = dnnl_version();
    return v->major * 10000 + v->minor * 100 + v->patch;
}

const char *ww_onednn_isa(void) {
    switch ((int)dnnl_get_effective_cpu_isa()) {
    case dnnl_cpu_isa_sse41: return "sse41";
    case dnnl_cpu_isa_avx: return "avx";
    case dnnl_cpu_isa_avx2: return "avx2";
    case dnnl_cpu_isa_avx512_core: return "avx512_core";
    case dnnl_cpu_isa_avx512_core_vnni: return "avx512_core_vnni";
    case dnnl_cpu_isa_avx512_core_bf16: return "avx512_core_bf16";
    case dnnl_cpu_isa_avx512_core_amx: return "avx512_core_amx";
#if DNNL_VERSION_MAJOR >= 3
    case dnnl_cpu_isa_avx2_vnni: return "avx2_vnni";
    case dnnl_cpu_isa_avx2_vnni_2: return "avx2_vnni_2";
    case dnnl_cpu_isa_avx512_core_fp16: return "avx512_core_fp16";
    case dnnl_cpu_isa_avx512_core_amx_fp16: return "avx512_core_amx_fp16";
#endif
    default: return "other";
    }
}
