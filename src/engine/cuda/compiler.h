/* NVRTC, NVIDIA's compiler library, opened at run time when a kernel must be compiled: $RETHINK_NVRTC, else the
 * newest that the driver can run code of, from the loader's path, CUDA toolkits, and the wheels of the Python
 * at hand. */
#ifndef RT_ENGINE_CUDA_COMPILER_H
#define RT_ENGINE_CUDA_COMPILER_H

#include <stddef.h>

#include "base/error.h"

/* Compiles one of kernels/'s sources with the options ("-DNAME=value -D...") to machine code of compute
 * capability `arch` (90: sm_90). *code [*size] is freed with rt_free. Thread-safe. Errors: RT_ECONFIG without a
 * usable NVRTC (says where was looked), or with the compiler's first lines; RT_EMEMORY. driver_version: the
 * driver's (struct rt_cu). */
int rt_cuda_compile(const char *source, const char *options, int arch, int driver_version, char **code,
                    size_t *size, struct rt_error *err);

/* The library in use or what keeps it from being used, in words; for `rethink devices`. */
int rt_cuda_compiler_find(int driver_version, char *words, size_t size, struct rt_error *err);

#endif
