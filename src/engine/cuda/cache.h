/* Compiled kernels, kept in $XDG_CACHE_HOME/rethink/kernels (~/.cache/...), one file each, named by a digest of
 * all that decides its bytes: the sources, the options, the architecture. A folder kernels/ beside the program
 * (or ../lib/rethink/kernels) is looked at first and only read: a bundle has them ready and needs no compiler.
 */
#ifndef RT_ENGINE_CUDA_CACHE_H
#define RT_ENGINE_CUDA_CACHE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/digest.h"
#include "base/error.h"

/* The name under which machine code of this source, options and architecture is kept. */
int rt_cuda_cache_key(char key[RT_DIGEST_HEX], const char *source, const char *options, int arch,
                      struct rt_error *err);

/* The machine code in *code [*size] (rt_free), or false: not there, or not whole (which is said once, as a
 * warning). */
bool rt_cuda_cache_read(const char *key, char **code, size_t *size);

/* Keeps it; a cache that cannot be written is said once, as a warning, and is no error. Thread-safe. */
void rt_cuda_cache_write(const char *key, const void *code, size_t size);

#endif
