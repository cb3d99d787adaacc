/* NVRTC, NVIDIA's run-time compiler, opened when a kernel must be compiled: $RETHINK_NVRTC, else the first of a
 * major version that the driver supports, from the loader's path, CUDA toolkits, and Python wheels. */
#ifndef RT_ENGINE_CUDA_COMPILER_H
#define RT_ENGINE_CUDA_COMPILER_H

#include <stddef.h>

#include "base/error.h"

/* Compiles a source of kernels/ with `options` ("-DNAME=value -D...") to a cubin for compute capability `arch`
 * (90: sm_90): *code, *size bytes, freed with rt_free. driver_version: as struct rt_cu's. Thread-safe. Errors:
 * RT_ECONFIG without a usable NVRTC (what to install), or with the compiler's first messages; RT_EMEMORY. */
int rt_cuda_compile(const char *source, const char *options, int arch, int driver_version, char **code,
                    size_t *size, struct rt_error *err);

/* Version and path of the NVRTC in use, for `rethink devices`; RT_ECONFIG: none, and why. */
int rt_cuda_compiler_find(int driver_version, char *words, size_t size, struct rt_error *err);

#endif
