/* Kernel sources (folder kernels/), embedded by the build and compiled at run time for the device's
 * architecture. */
#ifndef RT_ENGINE_CUDA_SOURCES_H
#define RT_ENGINE_CUDA_SOURCES_H

/* {file name ("norm.cu", "host.h"), text}, terminated by nulls. */
extern const char *const rt_cuda_sources[][2];

const char *rt_cuda_source_text(const char *name); /* null: no such file */

#endif
