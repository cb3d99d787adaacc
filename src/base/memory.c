#include "base/memory.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

enum { ALIGNMENT = 64, HUGE_FROM = 1 << 20, HUGE_PAGE = 2 << 20 };

static atomic_uint_fast64_t allocations;
static atomic_uint_fast64_t fail_at;

bool rt_size_mul(size_t a, size_t b, size_t *product)
{
    size_t result;

    if (__builtin_mul_overflow(a, b, &result))
        return false;
    *product = result;
    return true;
}

static int out_of_memory(struct rt_error *err, size_t count, size_t size, const char *what)
{
    return rt_fail(err, RT_EMEMORY, "cannot allocate %zu x %zu bytes for %s", count, size, what);
}

/* Counts the request; false if a test has requested that it fail. */
static bool may_allocate(void)
{
    const uint64_t serial = atomic_fetch_add(&allocations, 1) + 1;

    return serial != atomic_load(&fail_at);
}

int rt_alloc(void *out, size_t count, size_t size, const char *what, struct rt_error *err)
{
    void *block = NULL;
    size_t bytes;

    if (rt_size_mul(count, size, &bytes) && may_allocate())
        block = calloc(bytes ? bytes : 1, 1);
    if (!block)
        return out_of_memory(err, count, size, what);
    memcpy(out, &block, sizeof block);
    return RT_OK;
}

int rt_alloc_aligned(void *out, size_t count, size_t size, const char *what, struct rt_error *err)
{
    void *block = NULL;
    size_t bytes, alignment = ALIGNMENT;

    if (!rt_size_mul(count, size, &bytes) || bytes > SIZE_MAX - HUGE_PAGE || !may_allocate())
        return out_of_memory(err, count, size, what);
    bytes = (bytes + ALIGNMENT) / ALIGNMENT * ALIGNMENT;
    if (bytes >= HUGE_FROM) {
        alignment = HUGE_PAGE;
        bytes = (bytes + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
    }
    if (posix_memalign(&block, alignment, bytes))
        return out_of_memory(err, count, size, what);
#ifdef MADV_HUGEPAGE
    if (bytes >= HUGE_FROM)
        madvise(block, bytes, MADV_HUGEPAGE); /* advisory: small pages work too, only slower */
#endif
    memset(block, 0, bytes);
    memcpy(out, &block, sizeof block);
    return RT_OK;
}

int rt_realloc(void *block, size_t count, size_t size, const char *what, struct rt_error *err)
{
    void *old, *grown = NULL;
    size_t bytes;

    memcpy(&old, block, sizeof old);
    if (rt_size_mul(count, size, &bytes) && may_allocate())
        grown = realloc(old, bytes ? bytes : 1);
    if (!grown)
        return out_of_memory(err, count, size, what);
    memcpy(block, &grown, sizeof grown);
    return RT_OK;
}

void rt_free(void *block)
{
    void *held, *none = NULL;

    memcpy(&held, block, sizeof held);
    free(held);
    memcpy(block, &none, sizeof none);
}

int rt_strdup(char **out, const char *text, struct rt_error *err)
{
    const size_t size = strlen(text) + 1;
    char *copy;

    RT_TRY(rt_alloc(&copy, size, 1, "a string", err));
    memcpy(copy, text, size);
    *out = copy;
    return RT_OK;
}

uint64_t rt_alloc_count(void)
{
    return atomic_load(&allocations);
}

void rt_alloc_fail_at(uint64_t k)
{
    atomic_store(&fail_at, k ? atomic_load(&allocations) + k : 0);
}

size_t rt_peak_memory_bytes(void)
{
    struct rusage usage;

    return getrusage(RUSAGE_SELF, &usage) ? 0 : (size_t)usage.ru_maxrss * 1024;
}
