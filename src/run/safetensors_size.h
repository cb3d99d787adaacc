/* What the safetensors reader and writer share. */
#ifndef RT_RUN_SAFETENSORS_SIZE_H
#define RT_RUN_SAFETENSORS_SIZE_H

#include <stdbool.h>

#include "run/safetensors.h"

bool rt_dtype_find(const char *name, enum rt_dtype *dtype);

/* Bytes of a tensor; false when they overflow or do not fill whole bytes. */
bool rt_safetensor_size(enum rt_dtype dtype, const uint64_t *shape, size_t rank, size_t *size_bytes);

#endif
