/* The kernels' sources (folder kernels/), which the build embeds: what is compiled for the card at hand. */
#ifndef RT_ENGINE_CUDA_SOURCES_H
#define RT_ENGINE_CUDA_SOURCES_H

/* Each file's name ("norm.cu", "host.h") and text, ended by nulls. */
extern const char *const rt_cuda_sources[][2];

const char *rt_cuda_source_text(const char *name); /* null: there is none */

#endif
