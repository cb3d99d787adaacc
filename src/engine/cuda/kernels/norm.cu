/* Batch norm (Ioffe and Szegedy 2015) on x[rows][X_LD], rows = images * PLANE, and the ReLU behind it.
 *
 *   y = (x - mean) * a + shift, a = scale / deviation, deviation = sqrt(variance + EPS)
 *   with z = (x - mean) / deviation, m = rows:
 *   dscale = sum dy z, dshift = sum dy, dx = a * (dy - dshift / m - z dscale / m)
 *
 * -D CHANNELS, PLANE; X_LD, Y_LD, DY_LD, DX_LD, SUM_LD: floats from row to row; RELU: 0 or 1; ACCUMULATE: dx is
 * added to `sum`; VECTOR: 4, or 1 where channels or a distance is odd; LANES: vectors of a block; CHUNKS:
 * blocks that share the rows of sums; EPS, MOMENTUM.
 *
 * Sums are in double and in an order that depends on shapes alone: a thread's rows, then threads, then blocks.
 */
#include "host.h"
#include "pass.h"
#include "update.h"
#include "vector.h"

enum { THREADS = 256, ROW_LANES = THREADS / LANES, VALUES = 2 * VECTOR * LANES };

#ifdef __CUDACC__
#define UNROLL_ROWS _Pragma("unroll 4")
#define UNROLL_TWO _Pragma("unroll 2")
#else
#define UNROLL_ROWS
#define UNROLL_TWO
#endif

/* What the forward pass leaves for the backward pass, [CHANNELS] each. */
struct coefficients {
    float *mean, *a, *shift, *inverse, *p, *q;
};

RT_DEVICE struct coefficients coefficients_at(float *at)
{
    struct coefficients k = {
        at, at + CHANNELS, at + 2 * CHANNELS, at + 3 * CHANNELS, at + 4 * CHANNELS, at + 5 * CHANNELS};

    return k;
}

/* This block's sums of each channel, [2][VECTOR][LANES], go to partial[blocks along y][CHUNKS]; the last block
 * of these channels to do so returns true. */
RT_DEVICE bool reduce_block(double sums[2][VECTOR], double *partial, rt_u32 *tickets)
{
    RT_SHARED double warps[THREADS / 32][VALUES];
    RT_SHARED rt_u32 ticket;
    const int column = threadIdx.x % LANES;

    for (int k = 0; k < 2; k++)
        for (int v = 0; v < VECTOR; v++) {
            double sum = sums[k][v];

            for (int bits = LANES; bits < 32; bits *= 2)
                sum += __shfl_xor_sync(0xffffffffu, sum, bits);
            if (threadIdx.x % 32 < LANES)
                warps[threadIdx.x / 32][(k * VECTOR + v) * LANES + column] = sum;
        }
    __syncthreads();
    if (threadIdx.x < VALUES) {
        double sum = 0;

        for (int i = 0; i < THREADS / 32; i++)
            sum += warps[i][threadIdx.x];
        partial[((rt_u64)blockIdx.y * CHUNKS + blockIdx.x) * VALUES + threadIdx.x] = sum;
    }
    __threadfence();
    __syncthreads();
    if (threadIdx.x == 0) {
        ticket = atomicAdd(&tickets[blockIdx.y], 1);
        if (ticket == CHUNKS - 1)
            tickets[blockIdx.y] = 0; /* for the next step */
        __threadfence();
    }
    __syncthreads();
    return ticket == CHUNKS - 1;
}

/* What another block wrote: from the second-level cache. */
RT_DEVICE double load_shared_sum(const double *from)
{
#ifdef __CUDACC__
    double value;

    asm volatile("ld.global.cg.f64 %0, [%1];" : "=d"(value) : "l"(from) : "memory");
    return value;
#else
    return *from;
#endif
}

/* In the last block: the sums over all blocks to total[VALUES]. Each group of VALUES threads adds every
 * GROUPS-th block's, several loads under way at a time; then the groups are added. */
RT_DEVICE void add_chunks(const double *partial, double *total)
{
    enum { GROUPS = THREADS / VALUES, UNDER_WAY = 8 };
    RT_SHARED double groups[THREADS];
    const double *const from = partial + (rt_u64)blockIdx.y * CHUNKS * VALUES + threadIdx.x % VALUES;
    double sum = 0;

    for (int i = threadIdx.x / VALUES; i < CHUNKS; i += GROUPS * UNDER_WAY) {
        double values[UNDER_WAY];

        RT_UNROLL
        for (int k = 0; k < UNDER_WAY; k++)
            values[k] = i + k * GROUPS < CHUNKS ? load_shared_sum(from + (rt_u64)(i + k * GROUPS) * VALUES) : 0;
        RT_UNROLL
        for (int k = 0; k < UNDER_WAY; k++)
            sum += values[k];
    }
    groups[threadIdx.x] = sum;
    __syncthreads();
    if (threadIdx.x < VALUES) {
        sum = 0;
        for (int i = 0; i < GROUPS; i++)
            sum += groups[i * VALUES + threadIdx.x];
        total[threadIdx.x] = sum;
    }
    __syncthreads();
}

/* The k-th sum of the block's i-th channel. */
RT_DEVICE double sum_of(const double *total, int k, int i)
{
    return total[(k * VECTOR + i % VECTOR) * LANES + i / VECTOR];
}

RT_DEVICE float moved(float running, double towards)
{
    return (float)((1 - (double)MOMENTUM) * (double)running + (double)MOMENTUM * towards);
}

/* grid (CHUNKS, ceil(CHANNELS / (LANES * VECTOR))). tensors: scale, shift, running mean and variance, batches.
 */
RT_KERNEL(256)
norm_moments(const struct rt_cuda_pass *pass, const float *__restrict__ x, double *partial, rt_u32 *tickets,
             float *kept, const float *scale, const float *shift, float *running_mean, float *running_variance,
             long long *batches)
{
    RT_SHARED double total[VALUES];
    const int first = blockIdx.y * LANES * VECTOR, channel = first + (int)(threadIdx.x % LANES) * VECTOR;
    const int rows = pass->count * PLANE;
    const struct coefficients k = coefficients_at(kept);
    double sums[2][VECTOR];

    for (int v = 0; v < VECTOR; v++)
        sums[0][v] = sums[1][v] = 0;
    if (channel < CHANNELS)
        UNROLL_ROWS
    for (int r = blockIdx.x * ROW_LANES + threadIdx.x / LANES; r < rows; r += CHUNKS * ROW_LANES) {
        float value[VECTOR];

        rt_load(value, x + (rt_u64)r * X_LD + channel);
        for (int v = 0; v < VECTOR; v++) {
            const double wide = (double)value[v];

            sums[0][v] += wide;
            sums[1][v] = fma(wide, wide, sums[1][v]);
        }
    }
    if (!reduce_block(sums, partial, tickets))
        return;
    add_chunks(partial, total);
    if (threadIdx.x < LANES * VECTOR && first + (int)threadIdx.x < CHANNELS) {
        const int c = first + (int)threadIdx.x;
        const double mean = sum_of(total, 0, (int)threadIdx.x) / rows;
        double variance = sum_of(total, 1, (int)threadIdx.x) / rows - mean * mean;
        float deviation;

        variance = variance < 0 ? 0 : variance; /* NaN stays */
        deviation = (float)sqrt(variance + (double)EPS);
        k.mean[c] = (float)mean;
        k.inverse[c] = 1 / deviation;
        k.a[c] = scale[c] / deviation;
        k.shift[c] = shift[c];
        running_mean[c] = moved(running_mean[c], mean);
        running_variance[c] = moved(running_variance[c], variance * rows / (rows - 1.0));
    }
    if (blockIdx.y == 0 && threadIdx.x == 0)
        ++*batches;
}

/* The normalised value; the gate of the backward pass must come to the same bits. */
RT_DEVICE float normalise(float x, float mean, float a, float shift)
{
    return fmaf(__fsub_rn(x, mean), a, shift);
}

RT_DEVICE void write_rows(const float *__restrict__ x, float *__restrict__ y, int rows, int channel,
                          const float *mean, const float *a, const float *shift)
{
    UNROLL_ROWS
    for (int r = blockIdx.x * ROW_LANES + threadIdx.x / LANES; r < rows; r += gridDim.x * ROW_LANES) {
        float value[VECTOR];

        rt_load(value, x + (rt_u64)r * X_LD + channel);
        for (int v = 0; v < VECTOR; v++) {
            value[v] = normalise(value[v], mean[v], a[v], shift[v]);
            if (RELU)
                value[v] = value[v] <= 0 ? 0 : value[v];
        }
        rt_store(y + (rt_u64)r * Y_LD + channel, value);
    }
}

/* y from the batch's moments; any number of blocks along x */
RT_KERNEL(256)
norm_apply(const struct rt_cuda_pass *pass, const float *__restrict__ x, float *__restrict__ y, float *kept)
{
    const int channel = (blockIdx.y * LANES + threadIdx.x % LANES) * VECTOR;
    const struct coefficients k = coefficients_at(kept);

    if (channel < CHANNELS) {
        float mean[VECTOR], a[VECTOR], shift[VECTOR];

        for (int v = 0; v < VECTOR; v++) {
            mean[v] = k.mean[channel + v];
            a[v] = k.a[channel + v];
            shift[v] = k.shift[channel + v];
        }
        write_rows(x, y, pass->count * PLANE, channel, mean, a, shift);
    }
}

/* y from the running statistics */
RT_KERNEL(256)
norm_evaluate(const struct rt_cuda_pass *pass, const float *__restrict__ x, float *__restrict__ y,
              const float *scales, const float *shifts, const float *running_mean,
              const float *running_variance)
{
    const int channel = (blockIdx.y * LANES + threadIdx.x % LANES) * VECTOR;

    if (channel < CHANNELS) {
        float mean[VECTOR], a[VECTOR], shift[VECTOR];

        for (int v = 0; v < VECTOR; v++) {
            mean[v] = running_mean[channel + v];
            a[v] = scales[channel + v] / (float)sqrt((double)running_variance[channel + v] + (double)EPS);
            shift[v] = shifts[channel + v];
        }
        write_rows(x, y, pass->count * PLANE, channel, mean, a, shift);
    }
}

/* The gradient behind the ReLU, gated by what the forward pass gave. */
RT_DEVICE float gated(float dy, float x, float mean, float a, float shift)
{
    return RELU && normalise(x, mean, a, shift) <= 0 ? 0 : dy;
}

/* The two sums of the backward pass, then p = dshift / m and q = dscale / (m deviation), and the parameters'
 * gradients. grid as norm_moments */
RT_KERNEL(256)
norm_sums(const struct rt_cuda_pass *pass, const float *__restrict__ x, const float *__restrict__ dy,
          double *partial, rt_u32 *tickets, float *kept, float *scale, float *scale_momentum,
          float *scale_gradient, float *shift, float *shift_momentum, float *shift_gradient)
{
    RT_SHARED double total[VALUES];
    const int first = blockIdx.y * LANES * VECTOR, channel = first + (int)(threadIdx.x % LANES) * VECTOR;
    const int rows = pass->count * PLANE;
    const struct coefficients k = coefficients_at(kept);
    double sums[2][VECTOR];

    for (int v = 0; v < VECTOR; v++)
        sums[0][v] = sums[1][v] = 0;
    if (channel < CHANNELS) {
        float mean[VECTOR], a[VECTOR], before[VECTOR];

        for (int v = 0; v < VECTOR; v++) {
            mean[v] = k.mean[channel + v];
            a[v] = k.a[channel + v];
            before[v] = k.shift[channel + v];
        }
        UNROLL_ROWS
        for (int r = blockIdx.x * ROW_LANES + threadIdx.x / LANES; r < rows; r += CHUNKS * ROW_LANES) {
            float value[VECTOR], gradient[VECTOR];

            rt_load(value, x + (rt_u64)r * X_LD + channel);
            rt_load(gradient, dy + (rt_u64)r * DY_LD + channel);
            for (int v = 0; v < VECTOR; v++) {
                const double d = (double)gated(gradient[v], value[v], mean[v], a[v], before[v]);

                sums[0][v] += d;
                sums[1][v] = fma(d, (double)__fsub_rn(value[v], mean[v]), sums[1][v]);
            }
        }
    }
    if (!reduce_block(sums, partial, tickets))
        return;
    add_chunks(partial, total);
    if (threadIdx.x < LANES * VECTOR && first + (int)threadIdx.x < CHANNELS) {
        const int c = first + (int)threadIdx.x;
        const double dshift = sum_of(total, 0, (int)threadIdx.x);
        const double dscale = sum_of(total, 1, (int)threadIdx.x) * (double)k.inverse[c];

        k.p[c] = (float)(dshift / rows);
        k.q[c] = (float)(dscale / rows) * k.inverse[c];
        rt_apply_gradient(pass, (float)dscale, scale + c, scale_momentum + c,
                          scale_gradient ? scale_gradient + c : 0);
        rt_apply_gradient(pass, (float)dshift, shift + c, shift_momentum + c,
                          shift_gradient ? shift_gradient + c : 0);
    }
}

/* dx, plus `sum` (which may be dx); any number of blocks along x */
RT_KERNEL(256)
norm_gradient(const struct rt_cuda_pass *pass, const float *__restrict__ x, const float *dy, float *dx,
              float *kept, const float *sum)
{
    const int channel = (blockIdx.y * LANES + threadIdx.x % LANES) * VECTOR;
    const int rows = pass->count * PLANE;
    const struct coefficients k = coefficients_at(kept);
    float mean[VECTOR], a[VECTOR], shift[VECTOR], p[VECTOR], q[VECTOR];

    if (channel >= CHANNELS)
        return;
    for (int v = 0; v < VECTOR; v++) {
        mean[v] = k.mean[channel + v];
        a[v] = k.a[channel + v];
        shift[v] = k.shift[channel + v];
        p[v] = k.p[channel + v];
        q[v] = k.q[channel + v];
    }
    UNROLL_TWO
    for (int r = blockIdx.x * ROW_LANES + threadIdx.x / LANES; r < rows; r += gridDim.x * ROW_LANES) {
        float value[VECTOR], gradient[VECTOR], to[VECTOR];

        rt_load(value, x + (rt_u64)r * X_LD + channel);
        rt_load(gradient, dy + (rt_u64)r * DY_LD + channel);
        if (ACCUMULATE)
            rt_load(to, sum + (rt_u64)r * SUM_LD + channel);
        for (int v = 0; v < VECTOR; v++) {
            const float d = gated(gradient[v], value[v], mean[v], a[v], shift[v]);
            const float result = a[v] * fmaf(-__fsub_rn(value[v], mean[v]), q[v], __fsub_rn(d, p[v]));

            to[v] = ACCUMULATE ? to[v] + result : result;
        }
        rt_store(dx + (rt_u64)r * DX_LD + channel, to);
    }
}
