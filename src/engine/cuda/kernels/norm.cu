/* Batch norm (Ioffe and Szegedy 2015) on x[rows][X_LD], rows = images * PLANE, and the ReLU behind it.
 *
 *   y = (x - mean) * a + shift, a = scale / deviation, deviation = sqrt(variance + EPS)
 *   with z = (x - mean) / deviation, m = rows:
 *   dscale = sum dy z, dshift = sum dy, dx = a * (dy - dshift / m - z dscale / m)
 *
 * -D CHANNELS, PLANE; X_LD, Y_LD, DY_LD, DX_LD, SUM_LD: floats from row to row; RELU: 0 or 1; ACCUMULATE: dx is
 * added to `sum`; VECTOR: 4, or 1 where channels or a distance is odd; LANES: vectors of a block; CHUNKS:
 * blocks that share the rows; EPS, MOMENTUM.
 *
 * Sums are in double and in an order that depends on shapes alone: a thread's rows, then threads, then blocks.
 */
#include "host.h"
#include "pass.h"
#include "update.h"

enum { THREADS = 256, ROW_LANES = THREADS / LANES };

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

RT_DEVICE void load(float *to, const float *from)
{
#if VECTOR == 4
    const float4 v = *(const float4 *)from;

    to[0] = v.x;
    to[1] = v.y;
    to[2] = v.z;
    to[3] = v.w;
#else
    to[0] = from[0];
#endif
}

RT_DEVICE void store(float *to, const float *from)
{
#if VECTOR == 4
    *(float4 *)to = make_float4(from[0], from[1], from[2], from[3]);
#else
    to[0] = from[0];
#endif
}

/* Adds the block's threads' sums of each channel and writes them to partial[CHANNELS][2][CHUNKS]; the last
 * block of these channels to do so returns true, with all partial sums visible to it. */
RT_DEVICE bool reduce_block(double sums[2][VECTOR], double *partial, rt_u32 *tickets)
{
    RT_SHARED double shared[2][VECTOR][THREADS];
    RT_SHARED rt_u32 ticket;
    const int lane = threadIdx.x % LANES, row = threadIdx.x / LANES;
    const int channel = (blockIdx.y * LANES + lane) * VECTOR;

    for (int k = 0; k < 2; k++)
        for (int v = 0; v < VECTOR; v++)
            shared[k][v][threadIdx.x] = sums[k][v];
    __syncthreads();
    for (int half = ROW_LANES / 2; half > 0; half /= 2) {
        if (row < half)
            for (int k = 0; k < 2; k++)
                for (int v = 0; v < VECTOR; v++)
                    shared[k][v][threadIdx.x] += shared[k][v][threadIdx.x + half * LANES];
        __syncthreads();
    }
    if (row == 0 && channel < CHANNELS)
        for (int k = 0; k < 2; k++)
            for (int v = 0; v < VECTOR; v++)
                partial[((rt_u64)(channel + v) * 2 + k) * CHUNKS + blockIdx.x] = shared[k][v][lane];
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

/* One channel's two sums over the blocks, by a warp: lane l adds blocks l, l + 32, ..., then the lanes are
 * added. */
RT_DEVICE void add_chunks(const double *partial, int channel, double total[2])
{
    const int lane = threadIdx.x & 31;

    for (int k = 0; k < 2; k++) {
        double sum = 0;

        for (int i = lane; i < CHUNKS; i += 32)
            sum += ((const volatile double *)partial)[((rt_u64)channel * 2 + k) * CHUNKS + i];
        for (int half = 16; half > 0; half /= 2)
            sum += __shfl_down_sync(0xffffffffu, sum, half);
        total[k] = sum;
    }
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
    const int lane = threadIdx.x % LANES, channel = (blockIdx.y * LANES + lane) * VECTOR;
    const int rows = pass->count * PLANE;
    const struct coefficients k = coefficients_at(kept);
    double sums[2][VECTOR];

    for (int v = 0; v < VECTOR; v++)
        sums[0][v] = sums[1][v] = 0;
    if (channel < CHANNELS)
        for (int r = blockIdx.x * ROW_LANES + threadIdx.x / LANES; r < rows; r += CHUNKS * ROW_LANES) {
            float value[VECTOR];

            load(value, x + (rt_u64)r * X_LD + channel);
            for (int v = 0; v < VECTOR; v++) {
                const double wide = (double)value[v];

                sums[0][v] += wide;
                sums[1][v] = fma(wide, wide, sums[1][v]);
            }
        }
    if (!reduce_block(sums, partial, tickets))
        return;
    for (int i = threadIdx.x / 32; i < LANES * VECTOR; i += THREADS / 32) {
        const int c = blockIdx.y * LANES * VECTOR + i;
        double total[2], mean, variance;

        if (c >= CHANNELS)
            break;
        add_chunks(partial, c, total);
        if (threadIdx.x % 32 == 0) {
            mean = total[0] / rows;
            variance = total[1] / rows - mean * mean;
            variance = variance < 0 ? 0 : variance; /* NaN stays */
            const float deviation = (float)sqrt(variance + (double)EPS);
            k.mean[c] = (float)mean;
            k.inverse[c] = 1 / deviation;
            k.a[c] = scale[c] / deviation;
            k.shift[c] = shift[c];
            running_mean[c] = moved(running_mean[c], mean);
            running_variance[c] = moved(running_variance[c], variance * rows / (rows - 1.0));
        }
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
    for (int r = blockIdx.x * ROW_LANES + threadIdx.x / LANES; r < rows; r += gridDim.x * ROW_LANES) {
        float value[VECTOR];

        load(value, x + (rt_u64)r * X_LD + channel);
        for (int v = 0; v < VECTOR; v++) {
            value[v] = normalise(value[v], mean[v], a[v], shift[v]);
            if (RELU)
                value[v] = value[v] <= 0 ? 0 : value[v];
        }
        store(y + (rt_u64)r * Y_LD + channel, value);
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
    const int lane = threadIdx.x % LANES, channel = (blockIdx.y * LANES + lane) * VECTOR;
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
        for (int r = blockIdx.x * ROW_LANES + threadIdx.x / LANES; r < rows; r += CHUNKS * ROW_LANES) {
            float value[VECTOR], gradient[VECTOR];

            load(value, x + (rt_u64)r * X_LD + channel);
            load(gradient, dy + (rt_u64)r * DY_LD + channel);
            for (int v = 0; v < VECTOR; v++) {
                const double d = (double)gated(gradient[v], value[v], mean[v], a[v], before[v]);

                sums[0][v] += d;
                sums[1][v] = fma(d, (double)__fsub_rn(value[v], mean[v]), sums[1][v]);
            }
        }
    }
    if (!reduce_block(sums, partial, tickets))
        return;
    for (int i = threadIdx.x / 32; i < LANES * VECTOR; i += THREADS / 32) {
        const int c = blockIdx.y * LANES * VECTOR + i;
        double total[2];

        if (c >= CHANNELS)
            break;
        add_chunks(partial, c, total);
        if (threadIdx.x % 32 == 0) {
            const double dscale = total[1] * (double)k.inverse[c];

            k.p[c] = (float)(total[0] / rows);
            k.q[c] = (float)(dscale / rows) * k.inverse[c];
            rt_apply_gradient(pass, (float)dscale, scale + c, scale_momentum + c,
                              scale_gradient ? scale_gradient + c : 0);
            rt_apply_gradient(pass, (float)total[0], shift + c, shift_momentum + c,
                              shift_gradient ? shift_gradient + c : 0);
        }
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
    for (int r = blockIdx.x * ROW_LANES + threadIdx.x / LANES; r < rows; r += gridDim.x * ROW_LANES) {
        float value[VECTOR], gradient[VECTOR], to[VECTOR];

        load(value, x + (rt_u64)r * X_LD + channel);
        load(gradient, dy + (rt_u64)r * DY_LD + channel);
        if (ACCUMULATE)
            load(to, sum + (rt_u64)r * SUM_LD + channel);
        for (int v = 0; v < VECTOR; v++) {
            const float d = gated(gradient[v], value[v], mean[v], a[v], shift[v]);
            const float result = a[v] * fmaf(-__fsub_rn(value[v], mean[v]), q[v], __fsub_rn(d, p[v]));

            to[v] = ACCUMULATE ? to[v] + result : result;
        }
        store(dx + (rt_u64)r * DX_LD + channel, to);
    }
}
