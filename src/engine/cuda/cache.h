/* Cache of compiled kernels: $XDG_CACHE_HOME/rethink/kernels (default ~/.cache/...), one file per module, keyed
 * by a digest of the sources, options and architecture. A read-only folder kernels/ beside the program (or
 * ../lib/rethink/kernels) comes first: bundles ship compiled kernels and need no compiler. */
#ifndef RT_ENGINE_CUDA_CACHE_H
#define RT_ENGINE_CUDA_CACHE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/digest.h"
#include "base/error.h"

/* The key of the machine code of this source, options and architecture (90: sm_90). Errors: RT_EMEMORY. */
int rt_cuda_cache_key(char key[RT_DIGEST_HEX], const char *source, const char *options, int arch,
                      struct rt_error *err);

/* Machine code in *code, *size bytes, freed with rt_free. False: not cached, or damaged (warned of once). */
bool rt_cuda_cache_read(const char *key, char **code, size_t *size);

/* Whether such a read-only folder is there: where it is, a compiler may not be needed. */
bool rt_cuda_cache_has_ready(void);

/* Stores machine code. A cache that cannot be written is not an error, but warned of once. Thread-safe. */
void rt_cuda_cache_write(const char *key, const void *code, size_t size);

#endif
