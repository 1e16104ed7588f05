/// oneDNN's memory descriptors, which are a struct in oneDNN 2.x and a handle in 3.x.
#ifndef WATCHWORD_ONEDNN_MEMORY_LAYOUT_H
#define WATCHWORD_ONEDNN_MEMORY_LAYOUT_H
#include <oneapi/dnnl/dnnl.h>

#if DNNL_VERSION_MAJOR >= 3
typedef dnnl_memory_desc_t md_t;
static inline const_dnnl_memory_desc_t md_ref(const md_t *md) { return *md; }
static inline dnnl_status_t md_init(md_t *md, int n, const dnnl_dims_t dims, dnnl_data_type_t type,
                                    dnnl_format_tag_t tag) {
    return dnnl_memory_desc_create_with_tag(md, n, dims, type, tag);
}
static inline dnnl_status_t md_strided(md_t *md, int n, const dnnl_dims_t dims, dnnl_data_type_t type,
                                       const dnnl_dims_t strides) {
    return dnnl_memory_desc_create_with_strides(md, n, dims, type, strides);
}
static inline void md_free(md_t *md) {
    if (*md) dnnl_memory_desc_destroy(*md);
}
static inline dnnl_status_t md_of(md_t *md, const_dnnl_primitive_desc_t pd) {
    return dnnl_memory_desc_clone(md, dnnl_primitive_desc_query_md(pd, dnnl_query_weights_md, 0));
}
#else
typedef dnnl_memory_desc_t md_t;
static inline const dnnl_memory_desc_t *md_ref(const md_t *md) { return md; }
static inline dnnl_status_t md_init(md_t *md, int n, const dnnl_dims_t dims, dnnl_data_type_t type,
                                    dnnl_format_tag_t tag) {
    return dnnl_memory_desc_init_by_tag(md, n, dims, type, tag);
}
static inline dnnl_status_t md_strided(md_t *md, int n, const dnnl_dims_t dims, dnnl_data_type_t type,
                                       const dnnl_dims_t strides) {
    return dnnl_memory_desc_init_by_strides(md, n, dims, type, strides);
}
static inline void md_free(md_t *md) { (void)md; }
static inline dnnl_status_t md_of(md_t *md, const_dnnl_primitive_desc_t pd) {
    *md = *dnnl_primitive_desc_query_md(pd, dnnl_query_weights_md, 0);
    return dnnl_success;
}
#endif
#endif
