/* What a card can do at most, for rethink bench: memory read and written, products, launches. */
#include "device.h"

enum { SUMS = 32, TILES_M = 4, TILES_N = 4 }; /* as many as hide each other's latency */

/* One thread 16 bytes; grid: bytes / 4096 */
RT_KERNEL(256) stream(const float *__restrict__ from, float *__restrict__ to, int rounds)
{
    const rt_u64 i = (rt_u64)blockIdx.x * 256 + threadIdx.x;

    (void)rounds;
    ((float4 *)to)[i] = ((const float4 *)from)[i];
}

/* SUMS * rounds multiply-adds a thread, in float32. from: [2], to: a float each thread */
RT_KERNEL(256) multiply_fp32(const float *__restrict__ from, float *__restrict__ to, int rounds)
{
    const float a = from[0], b = from[1];
    float sums[SUMS], sum = 0;

    RT_UNROLL for (int i = 0; i < SUMS; i++) sums[i] = (float)(i + (int)threadIdx.x);
    for (int round = 0; round < rounds; round++)
        RT_UNROLL for (int i = 0; i < SUMS; i++) sums[i] = sums[i] * a + b;
    RT_UNROLL for (int i = 0; i < SUMS; i++) sum += sums[i];
    to[blockIdx.x * 256 + threadIdx.x] = sum;
}

/* Of tensor cores in this compilation's precision; a product is of 16 x 8 x DEPTH. */
#if RT_BF16
#define MULTIPLY multiply_bf16
#define FRAGMENT(i) rt_element_pair(from[(i) & 1], from[0])
#define PRODUCTS RT_MMA_BF16 /* DEPTH: 16 */
#else
#define MULTIPLY multiply_tf32
#define FRAGMENT(i) rt_round_tf32(from[(i) & 1])
#define PRODUCTS RT_MMA_TF32 /* DEPTH: 8 */
#endif

/* TILES_M * TILES_N * rounds products a warp. from: [2] */
RT_KERNEL(256) MULTIPLY(const float *__restrict__ from, float *__restrict__ to, int rounds)
{
    rt_u32 a[TILES_M][4], b[TILES_N][2];
    float d[TILES_M][TILES_N][4], sum = 0;

    RT_UNROLL for (int i = 0; i < TILES_M * 4; i++) a[i / 4][i % 4] = FRAGMENT(i);
    RT_UNROLL for (int i = 0; i < TILES_N * 2; i++) b[i / 2][i % 2] = FRAGMENT(i);
    RT_UNROLL for (int i = 0; i < TILES_M * TILES_N * 4; i++) d[i / 4 / TILES_N][i / 4 % TILES_N][i % 4] = 0;
    for (int round = 0; round < rounds; round++)
        PRODUCTS(d, a, b, TILES_M, TILES_N);
    RT_UNROLL for (int i = 0; i < TILES_M * TILES_N * 4; i++) sum += d[i / 4 / TILES_N][i / 4 % TILES_N][i % 4];
    to[blockIdx.x * 256 + threadIdx.x] = sum;
}

/* One block. */
RT_KERNEL(256) nothing(const float *__restrict__ from, float *__restrict__ to, int rounds)
{
    (void)from, (void)to, (void)rounds;
}
