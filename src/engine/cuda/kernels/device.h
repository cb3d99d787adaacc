/* Primitives of the matrix products: asynchronous copies to shared memory, rounding to TF32, tensor-core
 * fragments. Inline PTX (sm_80 and later) on the device, emulated in C on the host.
 *
 * Fragments of D[16 x 8] += A[16 x 8] * B[8 x 8] (TF32, mma.sync.m16n8k8), with g = lane / 4, t = lane % 4:
 *   a = A[g][t], A[g + 8][t], A[g][t + 4], A[g + 8][t + 4]
 *   b = B[t][g], B[t + 4][g]
 *   d = D[g][2t], D[g][2t + 1], D[g + 8][2t], D[g + 8][2t + 1]
 * Of D[16 x 8] += A[16 x 16] * B[16 x 8] (bfloat16, mma.sync.m16n8k16), each register a pair of elements,
 * the smaller k in its lower half:
 *   a = A[g][2t ..], A[g + 8][2t ..], A[g][2t + 8 ..], A[g + 8][2t + 8 ..]
 *   b = B[2t ..][g], B[2t + 8 ..][g]
 *   d as above */
#ifndef RT_CUDA_KERNELS_DEVICE_H
#define RT_CUDA_KERNELS_DEVICE_H

#include "element.h"
#include "host.h"

/* Rounds to TF32 (10 mantissa bits, to nearest, ties away from zero) in the upper 19 bits; tensor cores ignore
 * the rest. NaN is preserved: 0x7fffffff does not wrap to -0. */
RT_DEVICE rt_u32 rt_round_tf32(float x)
{
    const rt_u32 bits = rt_bits_of(x), rounded = bits + 0x1000u;

    return (int)rounded > (int)bits ? rounded : bits;
}

#ifdef __CUDACC__

/* RT_KERNEL with launch bounds for `blocks` resident blocks per multiprocessor. */
#define RT_KERNEL_AT_LEAST(threads, blocks) extern "C" __global__ void __launch_bounds__(threads, blocks)
#define RT_UNROLL8 _Pragma("unroll 8")

RT_DEVICE rt_u32 rt_shared_address(const void *shared)
{
    return (rt_u32)__cvta_generic_to_shared(shared);
}

/* Starts an asynchronous copy of 16 bytes (aligned) to shared memory, bypassing L1; zeros where not valid. */
RT_DEVICE void rt_copy16(float *shared, const float *from, bool valid)
{
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(rt_shared_address(shared)), "l"(from),
                 "r"(valid ? 16 : 0)
                 : "memory");
}

/* As rt_copy16, 4 bytes. */
RT_DEVICE void rt_copy4(float *shared, const float *from, bool valid)
{
    asm volatile("cp.async.ca.shared.global [%0], [%1], 4, %2;" ::"r"(rt_shared_address(shared)), "l"(from),
                 "r"(valid ? 4 : 0)
                 : "memory");
}

#if RT_BF16
/* As rt_copy16, 8 bytes, through L1. */
RT_DEVICE void rt_copy8(rt_element *shared, const rt_element *from, bool valid)
{
    asm volatile("cp.async.ca.shared.global [%0], [%1], 8, %2;" ::"r"(rt_shared_address(shared)), "l"(from),
                 "r"(valid ? 8 : 0)
                 : "memory");
}
#endif

/* Commits this thread's copies since the last commit as a group. */
RT_DEVICE void rt_copy_commit(void)
{
    asm volatile("cp.async.commit_group;" ::: "memory");
}

/* Waits until at most `groups` of this thread's groups are pending. */
#define rt_copy_wait(groups) asm volatile("cp.async.wait_group %0;" ::"n"(groups) : "memory")

/* Loads A's fragment from k-major rows: `at` points to A[0][0], rows are `pitch` floats (a multiple of 4)
 * apart. */
RT_DEVICE void rt_fragment_rows(float a[4], const float *at, int pitch, int lane)
{
    const rt_u32 address = rt_shared_address(at + (lane & 15) * pitch + (lane >> 4) * 4);
    rt_u32 r[4];

    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                 : "r"(address)
                 : "memory");
    for (int i = 0; i < 4; i++)
        a[i] = __uint_as_float(r[i]);
}

/* Loads A's fragment from scattered rows: lane l's `row` points to A[l % 16][l / 16 * 4]. */
RT_DEVICE void rt_fragment_gather(float a[4], const float *row)
{
    rt_u32 r[4];

    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                 : "r"(rt_shared_address(row))
                 : "memory");
    for (int i = 0; i < 4; i++)
        a[i] = __uint_as_float(r[i]);
}

/* Loads two B fragments (16 columns) from k-major columns: `at` points to B[0][0], columns are `pitch` floats
 * apart. */
RT_DEVICE void rt_fragment_columns(float b[2][2], const float *at, int pitch, int lane)
{
    const rt_u32 address =
        rt_shared_address(at + ((lane & 7) + (lane >> 4) * 8) * pitch + ((lane >> 3) & 1) * 4);
    rt_u32 r[4];

    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                 : "r"(address)
                 : "memory");
    for (int i = 0; i < 4; i++)
        b[i >> 1][i & 1] = __uint_as_float(r[i]);
}

/* d += a * b; a and b rounded by rt_round_tf32. */
RT_DEVICE void rt_mma_tf32(float d[4], const rt_u32 a[4], const rt_u32 b[2])
{
    asm volatile("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, "
                 "{%8, %9}, {%0, %1, %2, %3};"
                 : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

/* d[m][n] += a[m] * b[n] for m_tiles x n_tiles (constants) tiles. */
#define RT_MMA_TF32(d, a, b, m_tiles, n_tiles)                                                                 \
    do {                                                                                                       \
        RT_UNROLL for (int m_ = 0; m_ < (m_tiles); m_++) RT_UNROLL for (int n_ = 0; n_ < (n_tiles); n_++)      \
            rt_mma_tf32((d)[m_][n_], (a)[m_], (b)[n_]);                                                        \
    } while (0)

#if RT_BF16
/* Loads four matrices of 8 x 8 elements, whose rows are 16 bytes and aligned to them: lane l's `row` points to
 * row l % 8 of matrix l / 8. r[i]: elements 2t and 2t + 1 of row g of matrix i. */
RT_DEVICE void rt_matrices(rt_u32 r[4], const rt_element *row)
{
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                 : "r"(rt_shared_address(row))
                 : "memory");
}

/* As rt_matrices; r[i]: elements g of rows 2t and 2t + 1 of matrix i. */
RT_DEVICE void rt_matrices_transposed(rt_u32 r[4], const rt_element *row)
{
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                 : "r"(rt_shared_address(row))
                 : "memory");
}

RT_DEVICE void rt_mma_bf16(float d[4], const rt_u32 a[4], const rt_u32 b[2])
{
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, "
                 "{%8, %9}, {%0, %1, %2, %3};"
                 : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

/* As RT_MMA_TF32. */
#define RT_MMA_BF16(d, a, b, m_tiles, n_tiles)                                                                 \
    do {                                                                                                       \
        RT_UNROLL for (int m_ = 0; m_ < (m_tiles); m_++) RT_UNROLL for (int n_ = 0; n_ < (n_tiles); n_++)      \
            rt_mma_bf16((d)[m_][n_], (a)[m_], (b)[n_]);                                                        \
    } while (0)
#endif

#else

#define RT_KERNEL_AT_LEAST(threads, blocks) void
#define RT_UNROLL8

RT_DEVICE void rt_copy16(float *shared, const float *from, bool valid)
{
    const float4 zero = {0, 0, 0, 0};

    *(float4 *)shared = valid ? *(const float4 *)from : zero;
}

RT_DEVICE void rt_copy4(float *shared, const float *from, bool valid)
{
    *shared = valid ? *from : 0;
}

#if RT_BF16
RT_DEVICE void rt_copy8(rt_element *shared, const rt_element *from, bool valid)
{
    const uint2 zero = {0, 0};

    if (((size_t)shared | (size_t)from) % 8)
        __builtin_trap(); /* as the device */
    *(uint2 *)shared = valid ? *(const uint2 *)from : zero;
}
#endif

RT_DEVICE void rt_copy_commit(void)
{
}

#define rt_copy_wait(groups) ((void)(groups))

RT_DEVICE void rt_fragment_rows(float a[4], const float *at, int pitch, int lane)
{
    for (int i = 0; i < 4; i++)
        a[i] = at[(lane / 4 + (i & 1) * 8) * pitch + lane % 4 + (i >> 1) * 4];
}

RT_DEVICE void rt_fragment_columns(float b[2][2], const float *at, int pitch, int lane)
{
    for (int i = 0; i < 4; i++)
        b[i >> 1][i & 1] = at[(lane / 4 + (i >> 1) * 8) * pitch + lane % 4 + (i & 1) * 4];
}

RT_DEVICE void rt_fragment_gather(float a[4], const float *row)
{
    const int g = rt_host->lane / 4, t = rt_host->lane % 4;

    memcpy(rt_host->exchange + 64 * rt_host->lane, &row, sizeof row);
    rt_host->barrier(1);
    for (int i = 0; i < 4; i++) {
        const float *from;

        memcpy(&from, rt_host->exchange + 64 * (g + 8 * i), sizeof from);
        a[i] = from[t];
    }
    rt_host->barrier(1);
}

#if RT_BF16
/* The rows that all lanes pass; aligned, as the device demands. */
RT_DEVICE void rt_host_rows(const rt_element *rows[32], const rt_element *row)
{
    if ((size_t)row % 16)
        __builtin_trap();
    memcpy(rt_host->exchange + 64 * rt_host->lane, &row, sizeof row);
    rt_host->barrier(1);
    for (int lane = 0; lane < 32; lane++)
        memcpy(&rows[lane], rt_host->exchange + 64 * lane, sizeof row);
    rt_host->barrier(1);
}

RT_DEVICE void rt_matrices(rt_u32 r[4], const rt_element *row)
{
    const int g = rt_host->lane / 4, t = rt_host->lane % 4;
    const rt_element *rows[32];

    rt_host_rows(rows, row);
    for (int i = 0; i < 4; i++)
        r[i] = rows[8 * i + g][2 * t].bits | (rt_u32)rows[8 * i + g][2 * t + 1].bits << 16;
}

RT_DEVICE void rt_matrices_transposed(rt_u32 r[4], const rt_element *row)
{
    const int g = rt_host->lane / 4, t = rt_host->lane % 4;
    const rt_element *rows[32];

    rt_host_rows(rows, row);
    for (int i = 0; i < 4; i++)
        r[i] = rows[8 * i + 2 * t][g].bits | (rt_u32)rows[8 * i + 2 * t + 1][g].bits << 16;
}

enum { RT_HOST_DEPTH = 16 };

/* Element k of a row of A or column of B, line modulo 8, in all lanes' registers: `first`, and for k beyond the
 * first half first + step. */
RT_DEVICE float rt_host_element(rt_u32 all[32][16], int line, int k, int first, int step)
{
    const rt_u32 pair = all[line * 4 + k % 8 / 2][first + k / 8 * step];

    return rt_float_of(k % 2 ? pair & 0xffff0000u : pair << 16);
}
#else
enum { RT_HOST_DEPTH = 8 };

/* Likewise; truncated to TF32, as the tensor core does. */
RT_DEVICE float rt_host_element(rt_u32 all[32][16], int line, int k, int first, int step)
{
    return rt_float_of(all[line * 4 + k % 4][first + k / 4 * step] & 0xffffe000u);
}
#endif

/* A lane's contribution to the warp's exchange: fragments of up to 4 tiles of A, or 8 of B. */
RT_DEVICE void rt_host_fragments(rt_u32 all[32][16], const rt_u32 *mine, int count)
{
    memcpy(rt_host->exchange + 64 * rt_host->lane, mine, (size_t)count * sizeof *mine);
    rt_host->barrier(1);
    for (int lane = 0; lane < 32; lane++)
        memcpy(all[lane], rt_host->exchange + 64 * lane, (size_t)count * sizeof *mine);
    rt_host->barrier(1);
}

RT_DEVICE void rt_host_mma(float *d, const rt_u32 *a, const rt_u32 *b, int m_tiles, int n_tiles)
{
    const int g = rt_host->lane / 4, t = rt_host->lane % 4;
    rt_u32 all_a[32][16], all_b[32][16];

    for (int m = 0; m < m_tiles; m++) {
        if (m % 4 == 0)
            rt_host_fragments(all_a, a + 4 * m, RT_MIN(m_tiles - m, 4) * 4);
        for (int n = 0; n < n_tiles; n++) {
            if (n % 8 == 0 && (m == 0 || n_tiles > 8))
                rt_host_fragments(all_b, b + 2 * n, RT_MIN(n_tiles - n, 8) * 2);
            for (int k = 0; k < RT_HOST_DEPTH; k++)
                for (int i = 0; i < 4; i++)
                    d[(m * n_tiles + n) * 4 + i] += rt_host_element(all_a, g, k, m % 4 * 4 + i / 2, 2) *
                                                    rt_host_element(all_b, 2 * t + i % 2, k, n % 8 * 2, 1);
        }
    }
}

#define RT_MMA_TF32(d, a, b, m_tiles, n_tiles) rt_host_mma(&(d)[0][0][0], (a)[0], (b)[0], m_tiles, n_tiles)
#define RT_MMA_BF16 RT_MMA_TF32

#endif

#endif
