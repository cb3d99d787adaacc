/* Memory: checked sizes, zeroed blocks, 64-byte-aligned blocks for numbers, and a count of allocations.
 *
 * All of our own code allocates here, so that tests can count allocations (training steps make none) and make
 * the k-th one fail. */
#ifndef RT_BASE_MEMORY_H
#define RT_BASE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* *product = a * b; returns false (and leaves *product alone) on overflow. */
bool rt_size_mul(size_t a, size_t b, size_t *product);

/* A zeroed block of count * size bytes in *out (count 0 gives one byte). Errors: RT_EMEMORY, naming `what`. */
int rt_alloc(void *out, size_t count, size_t size, const char *what, struct rt_error *err);

/* The same, aligned to 64 bytes and padded at its end to 64; from 1 MiB on, aligned to 2 MiB and offered to
 * the kernel as huge pages. Free with rt_free. */
int rt_alloc_aligned(void *out, size_t count, size_t size, const char *what, struct rt_error *err);

/* Grow *block (from rt_alloc or null) to hold `count` elements of `size`; new bytes are not zeroed. */
int rt_realloc(void *block, size_t count, size_t size, const char *what, struct rt_error *err);

/* Frees *block and sets it to null; a null *block is fine. */
void rt_free(void *block);

/* A copy of the string. */
int rt_strdup(char **out, const char *text, struct rt_error *err);

/* Number of blocks handed out since the start of the process. */
uint64_t rt_alloc_count(void);

/* For tests: make the k-th allocation from now on fail (0: none). */
void rt_alloc_fail_at(uint64_t k);

/* Peak resident set size of this process in bytes (0 where the system does not report it). */
size_t rt_peak_memory_bytes(void);

#endif
