/* The CUDA subset that kernels use, so that the same sources also compile as host code, where
 * tests/engine/fake_cuda.c runs blocks one after the other and a block's threads as fibers.
 *
 * A kernel is RT_KERNEL(threads) name(at most RT_ARGUMENTS_MAX pointers and integers). Floating-point constants
 * and shapes are -D options. Sources include only embedded headers (meson.build). RT_KERNEL(threads, 1) bounds
 * the kernel to one resident block, which may then use all registers of a multiprocessor. */
#ifndef RT_CUDA_KERNELS_HOST_H
#define RT_CUDA_KERNELS_HOST_H

typedef unsigned char rt_u8;
typedef unsigned int rt_u32;
typedef unsigned long long rt_u64;

#define RT_MIN(a, b) ((a) < (b) ? (a) : (b))
#define RT_MAX(a, b) ((a) > (b) ? (a) : (b))
#define RT_CEIL(a, b) (((a) + (b)-1) / (b))

#ifdef __CUDACC__

#define RT_KERNEL(...) extern "C" __global__ void __launch_bounds__(__VA_ARGS__)
#define RT_DEVICE static __device__ __forceinline__
#define RT_CONSTANT static __device__ const
#define RT_SHARED __shared__ /* RT_SHARED float sums[32]; */
/* Declares the block's dynamic shared memory as an array of `type`. */
#define RT_SHARED_DYNAMIC(type, name)                                                                          \
    extern __shared__ __align__(128) unsigned char rt_shared_bytes[];                                          \
    type *const name = (type *)rt_shared_bytes
#define RT_UNROLL _Pragma("unroll")

#else /* host code, GNU C */

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct rt_host_index {
    unsigned x, y, z;
};

/* The running thread. */
struct rt_host_thread {
    struct rt_host_index thread, block, block_size, grid_size;
    void *shared;              /* the block's dynamic shared memory */
    unsigned char *exchange;   /* the warp's exchange buffer, [32][64] bytes */
    int lane;                  /* within the warp */
    void (*barrier)(int warp); /* a barrier of the block, or of the warp only */
};
static __thread struct rt_host_thread *rt_host;
void rt_host_set(struct rt_host_thread *thread);
void rt_host_set(struct rt_host_thread *thread)
{
    rt_host = thread;
}

#define RT_KERNEL(...) void
#define RT_DEVICE static inline __attribute__((unused))
#define RT_CONSTANT static const
#define RT_SHARED static __thread
#define RT_SHARED_DYNAMIC(type, name) type *const name = (type *)rt_host->shared
#define RT_UNROLL

#define threadIdx (rt_host->thread)
#define blockIdx (rt_host->block)
#define blockDim (rt_host->block_size)
#define gridDim (rt_host->grid_size)

#define __restrict__ __restrict
#define __syncthreads() rt_host->barrier(0)
#define __syncwarp() rt_host->barrier(1)
#define __threadfence() ((void)0)
#define __threadfence_system() ((void)0)

/* Warp shuffle: each lane contributes a value (at most 64 bytes) and receives lane `from`'s. */
static inline __attribute__((unused)) void rt_host_exchange(void *value, size_t size, int from)
{
    memcpy(rt_host->exchange + 64 * rt_host->lane, value, size);
    rt_host->barrier(1);
    memcpy(value, rt_host->exchange + 64 * (from & 31), size);
    rt_host->barrier(1);
}
#define RT_HOST_SHUFFLE(value, from)                                                                           \
    ({                                                                                                         \
        __typeof__(value) rt_value_ = (value);                                                                 \
        rt_host_exchange(&rt_value_, sizeof rt_value_, (from));                                                \
        rt_value_;                                                                                             \
    })
#define __shfl_sync(mask, value, from) RT_HOST_SHUFFLE(value, from)
#define __shfl_xor_sync(mask, value, bits) RT_HOST_SHUFFLE(value, rt_host->lane ^ (bits))
#define __shfl_down_sync(mask, value, by)                                                                      \
    RT_HOST_SHUFFLE(value, rt_host->lane + (by) < 32 ? rt_host->lane + (by) : rt_host->lane)

static inline __attribute__((unused)) unsigned
atomicAdd(unsigned *at, unsigned by) /* NOLINT(readability-non-const-parameter) */
{
    return __atomic_fetch_add(at, by, __ATOMIC_SEQ_CST);
}

typedef struct {
    float x, y;
} __attribute__((aligned(8))) float2;
typedef struct {
    float x, y, z, w;
} __attribute__((aligned(16))) float4;
typedef struct {
    rt_u32 x, y;
} __attribute__((aligned(8))) uint2;
typedef struct {
    rt_u32 x, y, z, w;
} __attribute__((aligned(16))) uint4;
typedef struct {
    unsigned char x, y, z, w;
} __attribute__((aligned(4))) uchar4;
static inline __attribute__((unused)) float2 make_float2(float x, float y)
{
    return (float2){x, y};
}
static inline __attribute__((unused)) float4 make_float4(float x, float y, float z, float w)
{
    return (float4){x, y, z, w};
}

/* Never contracted into FMAs; the host build has -ffp-contract=off. */
#define __fadd_rn(a, b) ((float)(a) + (float)(b))
#define __fsub_rn(a, b) ((float)(a) - (float)(b))
#define __fmul_rn(a, b) ((float)(a) * (float)(b))
#define __fdiv_rn(a, b) ((float)(a) / (float)(b))
#define __ldg(at) (*(at))

#endif

RT_DEVICE float rt_float_of(rt_u32 bits)
{
    union {
        rt_u32 u;
        float f;
    } value;

    value.u = bits;
    return value.f;
}

RT_DEVICE rt_u32 rt_bits_of(float x)
{
    union {
        float f;
        rt_u32 u;
    } value;

    value.f = x;
    return value.u;
}

enum { RT_ARGUMENTS_MAX = 16 };

#endif
