/* A CUDA driver and an NVRTC that need no GPU, in one shared object (RETHINK_CUDA_DRIVER, RETHINK_NVRTC):
 * kernels are compiled by the host's compiler (kernels/host.h) and run at once when launched, block by block, a
 * block's threads as fibers. Device memory is the host's, filled with NaN and fenced. What is wrong in a kernel
 * ends the process with a message: a barrier that not all reach, a fence overwritten.
 *
 * It fails on demand, through the environment when it is loaded, or rt_fake_cuda_fail:
 *   RT_FAKE_CUDA_DEVICES   how many devices there are (1)
 *   RT_FAKE_CUDA_VERSION   the driver's version (13000)
 *   RT_FAKE_CUDA_MEMORY    bytes of device memory (16 GiB); A,B: of the first device and of the others
 *   RT_FAKE_CUDA_OLD       so many devices, the first, are too old (0)
 *   RT_FAKE_CUDA_DRY       1: any code can be loaded and nothing runs
 *   RT_FAKE_CUDA_ORDER     in which order a graph's kernels run that do not wait for one another (also
 *                          rt_fake_cuda_order): 0 as captured; 1 those of the capturing stream first, 2 last;
 *                          3 and more: drawn from this seed. Odd: blocks and a block's threads backwards too
 *   RT_FAKE_CUDA_FAIL      NAME:K:CODE: the K-th call of NAME ("cuMemAlloc_v2") from now on returns CODE, once;
 * with CODE negative, -CODE, and so does every later call of a function that waits, on that device (it is lost)
 */
#include "fake_cuda.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void fake_die(const char *what, const char *detail)
{
    fprintf(stderr, "fake CUDA: %s %s\n", what, detail ? detail : "");
    abort();
}

/* ---- failing on demand ---- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct {
    char name[64];
    long left; /* calls until it fails; 0: never */
    int code;
    int lost;   /* what waiting calls return for ever ... */
    int device; /* ... on this device */
    long calls;
} failing;

static __thread int current; /* the thread's device */

EXPORT void rt_fake_cuda_fail(const char *name, long k, int code);
EXPORT void rt_fake_cuda_fail(const char *name, long k, int code)
{
    pthread_mutex_lock(&lock);
    snprintf(failing.name, sizeof failing.name, "%s", name);
    failing.left = k;
    failing.code = code;
    failing.lost = 0;
    failing.calls = 0;
    pthread_mutex_unlock(&lock);
}

/* Calls of the named function (all, if the name is "") since rt_fake_cuda_fail. */
EXPORT long rt_fake_cuda_calls(void);
EXPORT long rt_fake_cuda_calls(void)
{
    return failing.calls;
}

int fake_called(const char *name, bool waits)
{
    int code = 0;

    pthread_mutex_lock(&lock);
    if (failing.lost && waits && failing.device == current)
        code = failing.lost;
    if (!*failing.name || !strcmp(failing.name, name)) {
        failing.calls++;
        if (failing.left && --failing.left == 0) {
            code = failing.code < 0 ? -failing.code : failing.code;
            if (failing.code < 0)
                failing.lost = code;
            failing.device = current;
        }
    }
    pthread_mutex_unlock(&lock);
    return code;
}

long fake_setting(const char *name, long otherwise)
{
    const char *const text = getenv(name);

    return text && *text ? strtol(text, NULL, 10) : otherwise;
}

__attribute__((constructor)) static void configure(void)
{
    const char *const text = getenv("RT_FAKE_CUDA_FAIL");
    char name[64];
    long k;
    int code;

    if (text && sscanf(text, "%63[^:]:%ld:%d", name, &k, &code) == 3)
        rt_fake_cuda_fail(name, k, code);
}

/* ---- devices, memory ---- */

PUBLIC cuInit(unsigned flags);
PUBLIC cuInit(unsigned flags)
{
    (void)flags;
    CALLED(false);
    return fake_setting("RT_FAKE_CUDA_DEVICES", 1) > 0 ? 0 : 100;
}

PUBLIC cuDriverGetVersion(int *version);
PUBLIC cuDriverGetVersion(int *version)
{
    CALLED(false);
    *version = (int)fake_setting("RT_FAKE_CUDA_VERSION", 13000);
    return 0;
}

PUBLIC cuGetErrorName(int code, const char **name);
PUBLIC cuGetErrorName(int code, const char **name)
{
    *name = code == 2     ? "CUDA_ERROR_OUT_OF_MEMORY"
            : code == 700 ? "CUDA_ERROR_ILLEGAL_ADDRESS"
                          : "CUDA_ERROR_FAKE";
    return 0;
}

PUBLIC cuGetErrorString(int code, const char **text);
PUBLIC cuGetErrorString(int code, const char **text)
{
    (void)code;
    *text = "made by a test";
    return 0;
}

PUBLIC cuDeviceGetCount(int *count);
PUBLIC cuDeviceGetCount(int *count)
{
    CALLED(false);
    *count = (int)fake_setting("RT_FAKE_CUDA_DEVICES", 1);
    return 0;
}

PUBLIC cuDeviceGet(int *device, int ordinal);
PUBLIC cuDeviceGet(int *device, int ordinal)
{
    CALLED(false);
    *device = ordinal;
    return 0;
}

PUBLIC cuDeviceGetName(char *name, int size, int device);
PUBLIC cuDeviceGetName(char *name, int size, int device)
{
    CALLED(false);
    snprintf(name, (size_t)size, "Fake GPU %d", device);
    return 0;
}

static size_t memory_total(int device)
{
    const char *const text = getenv("RT_FAKE_CUDA_MEMORY"), *const others = text ? strchr(text, ',') : NULL;

    if (device > 0 && others)
        return (size_t)strtol(others + 1, NULL, 10);
    return (size_t)fake_setting("RT_FAKE_CUDA_MEMORY", 16L << 30);
}

enum { DEVICES_MAX = 16 };

static size_t memory_used[DEVICES_MAX];

PUBLIC cuDeviceTotalMem_v2(size_t *bytes, int device);
PUBLIC cuDeviceTotalMem_v2(size_t *bytes, int device)
{
    CALLED(false);
    *bytes = memory_total(device);
    return 0;
}

PUBLIC cuDeviceGetAttribute(int *value, int attribute, int device);
PUBLIC cuDeviceGetAttribute(int *value, int attribute, int device)
{
    CALLED(false);
    *value = attribute == 75   ? (device < fake_setting("RT_FAKE_CUDA_OLD", 0) ? 7 : 9)
             : attribute == 76 ? 0
             : attribute == 16 ? 132
             : attribute == 97 ? SHARED_MAX
                               : 0;
    return 0;
}

PUBLIC cuDevicePrimaryCtxRetain(void **context, int device);
PUBLIC cuDevicePrimaryCtxRetain(void **context, int device)
{
    CALLED(false);
    *context = (void *)(uintptr_t)(device + 1);
    return 0;
}

PUBLIC cuDevicePrimaryCtxRelease_v2(int device);
PUBLIC cuDevicePrimaryCtxRelease_v2(int device)
{
    (void)device;
    CALLED(false);
    return 0;
}

PUBLIC cuCtxSetCurrent(void *context);
PUBLIC cuCtxSetCurrent(void *context)
{
    CALLED(false);
    current = (int)(uintptr_t)context - 1;
    return context && current < DEVICES_MAX ? 0 : 201;
}

PUBLIC cuMemGetInfo_v2(size_t *free_bytes, size_t *total);
PUBLIC cuMemGetInfo_v2(size_t *free_bytes, size_t *total)
{
    CALLED(true);
    *total = memory_total(current);
    *free_bytes = *total - memory_used[current];
    return 0;
}

enum { FENCE = 4096 };

static int allocate(uint64_t *memory, size_t bytes)
{
    const size_t whole = (bytes + 255) / 256 * 256 + 3 * FENCE;
    unsigned char *block;

    if (__atomic_add_fetch(&memory_used[current], bytes, __ATOMIC_SEQ_CST) > memory_total(current) ||
        !(block = aligned_alloc(FENCE, (whole + FENCE - 1) / FENCE * FENCE))) {
        __atomic_sub_fetch(&memory_used[current], bytes, __ATOMIC_SEQ_CST);
        return 2;
    }
    memset(block, 0xa5, FENCE);
    memcpy(block, &bytes, sizeof bytes);
    memcpy(block + sizeof bytes, &current, sizeof current);
    memset(block + FENCE, 0xff, bytes);
    memset(block + FENCE + bytes, 0xa5, FENCE);
    *memory = (uint64_t)(uintptr_t)(block + FENCE);
    return 0; /* cppcheck-suppress memleak ; the address, as a number, holds it */
}

static int release_memory(uint64_t memory)
{
    unsigned char *const block = (unsigned char *)(uintptr_t)memory - FENCE;
    size_t bytes;
    int device;

    memcpy(&bytes, block, sizeof bytes);
    memcpy(&device, block + sizeof bytes, sizeof device);
    for (size_t i = sizeof bytes + sizeof device; i < FENCE; i++)
        if (block[i] != 0xa5 || block[FENCE + bytes + i] != 0xa5)
            fake_die("memory before or behind an allocation was written", NULL);
    __atomic_sub_fetch(&memory_used[device], bytes, __ATOMIC_SEQ_CST);
    free(block);
    return 0;
}

PUBLIC cuMemAlloc_v2(uint64_t *memory, size_t bytes);
PUBLIC cuMemAlloc_v2(uint64_t *memory, size_t bytes)
{
    CALLED(false);
    return allocate(memory, bytes);
}

PUBLIC cuMemFree_v2(uint64_t memory);
PUBLIC cuMemFree_v2(uint64_t memory)
{
    CALLED(false);
    return release_memory(memory);
}

PUBLIC cuMemHostAlloc(void **memory, size_t bytes, unsigned flags);
PUBLIC cuMemHostAlloc(void **memory, size_t bytes, unsigned flags)
{
    uint64_t address;
    int code;

    (void)flags;
    CALLED(false);
    if (!(code = allocate(&address, bytes)))
        *memory = (void *)(uintptr_t)address;
    return code;
}

PUBLIC cuMemFreeHost(void *memory);
PUBLIC cuMemFreeHost(void *memory)
{
    CALLED(false);
    return release_memory((uint64_t)(uintptr_t)memory);
}

PUBLIC cuMemHostGetDevicePointer_v2(uint64_t *device, void *host, unsigned flags);
PUBLIC cuMemHostGetDevicePointer_v2(uint64_t *device, void *host, unsigned flags)
{
    (void)flags;
    CALLED(false);
    *device = (uint64_t)(uintptr_t)host;
    return 0;
}

PUBLIC cuMemcpyHtoDAsync_v2(uint64_t to, const void *from, size_t bytes, void *stream);
PUBLIC cuMemcpyHtoDAsync_v2(uint64_t to, const void *from, size_t bytes, void *stream)
{
    (void)stream;
    CALLED(false);
    memcpy((void *)(uintptr_t)to, from, bytes);
    return 0;
}

PUBLIC cuMemcpyDtoHAsync_v2(void *to, uint64_t from, size_t bytes, void *stream);
PUBLIC cuMemcpyDtoHAsync_v2(void *to, uint64_t from, size_t bytes, void *stream)
{
    (void)stream;
    CALLED(true);
    memcpy(to, (const void *)(uintptr_t)from, bytes);
    return 0;
}

PUBLIC cuMemsetD8Async(uint64_t to, unsigned char value, size_t bytes, void *stream);
PUBLIC cuMemsetD8Async(uint64_t to, unsigned char value, size_t bytes, void *stream)
{
    (void)stream;
    CALLED(false);
    memset((void *)(uintptr_t)to, value, bytes);
    return 0;
}
