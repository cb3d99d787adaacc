/* Batch norm (Ioffe and Szegedy 2015) of x[rows][X_LD], rows = images * PLANE, with an optional fused ReLU.
 *
 *   y = (x - mean) * a + shift, a = scale / deviation, deviation = sqrt(variance + EPS)
 *   with z = (x - mean) / deviation, m = rows:
 *   dscale = sum dy z, dshift = sum dy, dx = a * (dy - dshift / m - z dscale / m)
 *
 * -D CHANNELS, PLANE; X_LD, Y_LD, DY_LD, DX_LD, SUM_LD: elements from row to row; RELU: 0 or 1; ACCUMULATE: dx
 * is added to `sum`; VECTOR: 4, or 1 where channels or a distance is odd; THREADS; LANES: vectors of a block;
 * CHUNKS: blocks that share the rows of sums; EPS, MOMENTUM; UNSCALED: 1 where scale is not trained.
 *
 * With many rows, one kernel reduces (norm_moments, norm_sums) and another applies the result (norm_apply,
 * norm_gradient); with few, a block has all rows of its channels and one kernel does both (norm_forward,
 * norm_backward). Reductions are in double, in an order that depends on shapes alone: a thread's rows, then
 * threads, then blocks.
 *
 * ALONE: 1 for the kernels of few rows. */
#include "pass.h"
#include "update.h"
#include "vector.h"

enum { ROW_LANES = THREADS / LANES, VALUES = 2 * VECTOR * LANES };

#ifdef __CUDACC__
#define UNROLL_ROWS _Pragma("unroll 4")
#define UNROLL_TWO _Pragma("unroll 2")
#else
#define UNROLL_ROWS
#define UNROLL_TWO
#endif

/* Saved by the forward pass for the backward pass, [CHANNELS] each. */
struct coefficients {
    float *mean, *a, *shift, *inverse, *p, *q;
};

RT_DEVICE struct coefficients coefficients_at(float *at)
{
    struct coefficients k = {
        at, at + CHANNELS, at + 2 * CHANNELS, at + 3 * CHANNELS, at + 4 * CHANNELS, at + 5 * CHANNELS};

    return k;
}

/* Reduces the block's sums, [2][VECTOR][LANES]; thread i < VALUES gets the i-th. */
RT_DEVICE double add_threads(double sums[2][VECTOR])
{
    RT_SHARED double warps[THREADS / 32][VALUES];
    const int column = threadIdx.x % LANES;
    double sum = 0;

    for (int k = 0; k < 2; k++)
        for (int v = 0; v < VECTOR; v++) {
            double of_warp = sums[k][v];

            for (int bits = LANES; bits < 32; bits *= 2)
                of_warp += __shfl_xor_sync(0xffffffffu, of_warp, bits);
            if (threadIdx.x % 32 < LANES)
                warps[threadIdx.x / 32][(k * VECTOR + v) * LANES + column] = of_warp;
        }
    __syncthreads();
    if (threadIdx.x < VALUES)
        for (int i = 0; i < THREADS / 32; i++)
            sum += warps[i][threadIdx.x];
    return sum;
}

/* Writes the block's sums to partial[gridDim.y][CHUNKS]; true in the last block of these channels to arrive. */
RT_DEVICE bool reduce_block(double sums[2][VECTOR], double *partial, rt_u32 *tickets)
{
    RT_SHARED rt_u32 ticket;
    const double sum = add_threads(sums);

    if (threadIdx.x < VALUES)
        partial[((rt_u64)blockIdx.y * CHUNKS + blockIdx.x) * VALUES + threadIdx.x] = sum;
    __threadfence();
    __syncthreads();
    if (threadIdx.x == 0) {
        ticket = atomicAdd(&tickets[blockIdx.y], 1);
        if (ticket == CHUNKS - 1)
            tickets[blockIdx.y] = 0; /* reset for the next step */
        __threadfence();
    }
    __syncthreads();
    return ticket == CHUNKS - 1;
}

/* As above where the block has all rows: straight to total[VALUES]. */
RT_DEVICE void reduce_alone(double sums[2][VECTOR], double *total)
{
    const double sum = add_threads(sums);

    if (threadIdx.x < VALUES)
        total[threadIdx.x] = sum;
    __syncthreads();
}

/* Reads what another block wrote, from L2. */
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

/* In the last block: sums over all blocks, to total[VALUES]. Each group of VALUES threads adds every GROUPS-th
 * block's, with several loads in flight; then the groups are added. */
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

/* Sum k of the block's channel i. */
RT_DEVICE double sum_of(const double *total, int k, int i)
{
    return total[(k * VECTOR + i % VECTOR) * LANES + i / VECTOR];
}

RT_DEVICE float moved(float running, double towards)
{
    return (float)((1 - (double)MOMENTUM) * (double)running + (double)MOMENTUM * towards);
}

RT_DEVICE void clear_sums(double sums[2][VECTOR])
{
    for (int v = 0; v < VECTOR; v++)
        sums[0][v] = sums[1][v] = 0;
}

/* The block's partial sums of x and x^2. */
RT_DEVICE void add_moments(double sums[2][VECTOR], const rt_element *__restrict__ x, int rows, int channel)
{
    clear_sums(sums);
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
}

/* From the sums over all rows: the saved values and the running statistics. first: the block's first channel.
 */
RT_DEVICE void finish_moments(const double *total, int first, int rows, struct coefficients k,
                              const float *scale, const float *shift, float *running_mean,
                              float *running_variance, long long *batches)
{
    if (threadIdx.x < LANES * VECTOR && first + (int)threadIdx.x < CHANNELS) {
        const int c = first + (int)threadIdx.x;
        const double mean = sum_of(total, 0, (int)threadIdx.x) / rows;
        double variance = sum_of(total, 1, (int)threadIdx.x) / rows - mean * mean;
        float deviation;

        variance = variance < 0 ? 0 : variance; /* NaN is preserved */
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

/* First channel of the block; of the thread. */
#define FIRST_CHANNEL ((int)blockIdx.y * LANES * VECTOR)
#define CHANNEL (FIRST_CHANNEL + (int)(threadIdx.x % LANES) * VECTOR)

/* The normalised value; the backward pass recomputes it for the ReLU's mask and must get the same bits. */
RT_DEVICE float normalise(float x, float mean, float a, float shift)
{
    return fmaf(__fsub_rn(x, mean), a, shift);
}

RT_DEVICE void write_rows(const rt_element *__restrict__ x, rt_element *__restrict__ y, int rows, int channel,
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

/* y from the batch's moments, for the block's rows */
RT_DEVICE void apply_rows(const rt_element *__restrict__ x, rt_element *__restrict__ y, int rows, int channel,
                          struct coefficients k)
{
    float mean[VECTOR], a[VECTOR], shift[VECTOR];

    if (channel >= CHANNELS)
        return;
    for (int v = 0; v < VECTOR; v++) {
        mean[v] = k.mean[channel + v];
        a[v] = k.a[channel + v];
        shift[v] = k.shift[channel + v];
    }
    write_rows(x, y, rows, channel, mean, a, shift);
}

/* dy, masked by the fused ReLU. */
RT_DEVICE float gated(float dy, float x, float mean, float a, float shift)
{
    return RELU && normalise(x, mean, a, shift) <= 0 ? 0 : dy;
}

/* The block's partial sums of dy and dy z. */
RT_DEVICE void add_gradients(double sums[2][VECTOR], const rt_element *__restrict__ x, const rt_element *dy,
                             int rows, int channel, struct coefficients k)
{
    float mean[VECTOR], a[VECTOR], shift[VECTOR];

    clear_sums(sums);
    if (channel >= CHANNELS)
        return;
    for (int v = 0; v < VECTOR; v++) {
        mean[v] = k.mean[channel + v];
        a[v] = k.a[channel + v];
        shift[v] = k.shift[channel + v];
    }
    UNROLL_ROWS
    for (int r = blockIdx.x * ROW_LANES + threadIdx.x / LANES; r < rows; r += CHUNKS * ROW_LANES) {
        float value[VECTOR], gradient[VECTOR];

        rt_load(value, x + (rt_u64)r * X_LD + channel);
        rt_load(gradient, dy + (rt_u64)r * DY_LD + channel);
        for (int v = 0; v < VECTOR; v++) {
            const double d = (double)gated(gradient[v], value[v], mean[v], a[v], shift[v]);

            sums[0][v] += d;
            sums[1][v] = fma(d, (double)__fsub_rn(value[v], mean[v]), sums[1][v]);
        }
    }
}

/* A parameter, its optimiser states, and where to store its gradient (null: update instead). */
struct parameter {
    float *value, *states, *gradient;
};

RT_DEVICE void apply_gradient(const struct rt_cuda_pass *pass, float g, const struct parameter *p, int c)
{
    rt_apply_gradient(pass, g, p->value + c, p->states + c, p->gradient ? p->gradient + c : 0);
}

/* From the sums over all rows: p = dshift / m, q = dscale / (m deviation), and the parameters' gradients. */
RT_DEVICE void finish_sums(const double *total, int first, int rows, struct coefficients k,
                           const struct rt_cuda_pass *pass, const struct parameter *scale,
                           const struct parameter *shift)
{
    if (threadIdx.x < LANES * VECTOR && first + (int)threadIdx.x < CHANNELS) {
        const int c = first + (int)threadIdx.x;
        const double dshift = sum_of(total, 0, (int)threadIdx.x);
        const double dscale = sum_of(total, 1, (int)threadIdx.x) * (double)k.inverse[c];

        k.p[c] = (float)(dshift / rows);
        k.q[c] = (float)(dscale / rows) * k.inverse[c];
        if (!UNSCALED)
            apply_gradient(pass, (float)dscale, scale, c);
        apply_gradient(pass, (float)dshift, shift, c);
    }
}

/* dx, with ACCUMULATE plus `sum` (which may be dx) */
RT_DEVICE void write_gradient(const rt_element *__restrict__ x, const rt_element *dy, rt_element *dx,
                              const rt_element *sum, int rows, int channel, struct coefficients k)
{
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

#if ALONE

/* norm_moments and norm_apply for few rows; grid (1, ceil(CHANNELS / (LANES * VECTOR))), CHUNKS 1 */
RT_KERNEL(THREADS)
norm_forward(const struct rt_cuda_pass *pass, const rt_element *__restrict__ x, rt_element *__restrict__ y,
             float *kept, const float *scale, const float *shift, float *running_mean, float *running_variance,
             long long *batches)
{
    RT_SHARED double total[VALUES];
    const int rows = pass->count * PLANE;
    double sums[2][VECTOR];

    add_moments(sums, x, rows, CHANNEL);
    reduce_alone(sums, total);
    finish_moments(total, FIRST_CHANNEL, rows, coefficients_at(kept), scale, shift, running_mean,
                   running_variance, batches);
    __syncthreads(); /* saved values are visible to the block */
    apply_rows(x, y, rows, CHANNEL, coefficients_at(kept));
}

/* norm_sums and norm_gradient for few rows; grid as norm_forward */
RT_KERNEL(THREADS, 1)
norm_backward(const struct rt_cuda_pass *pass, const rt_element *__restrict__ x, const rt_element *dy,
              rt_element *dx, float *kept, const rt_element *sum, float *scale, float *scale_states,
              float *scale_gradient, float *shift, float *shift_states, float *shift_gradient)
{
    RT_SHARED double total[VALUES];
    const int rows = pass->count * PLANE;
    const struct coefficients k = coefficients_at(kept);
    const struct parameter scales = {scale, scale_states, scale_gradient},
                           shifts = {shift, shift_states, shift_gradient};
    double sums[2][VECTOR];

    add_gradients(sums, x, dy, rows, CHANNEL, k);
    reduce_alone(sums, total);
    finish_sums(total, FIRST_CHANNEL, rows, k, pass, &scales, &shifts);
    __syncthreads(); /* p and q are visible to the block */
    write_gradient(x, dy, dx, sum, rows, CHANNEL, k);
}

#else

/* grid (CHUNKS, ceil(CHANNELS / (LANES * VECTOR))). tensors: scale, shift, running mean and variance, batches.
 */
RT_KERNEL(THREADS)
norm_moments(const struct rt_cuda_pass *pass, const rt_element *__restrict__ x, double *partial,
             rt_u32 *tickets, float *kept, const float *scale, const float *shift, float *running_mean,
             float *running_variance, long long *batches)
{
    RT_SHARED double total[VALUES];
    const int rows = pass->count * PLANE;
    double sums[2][VECTOR];

    add_moments(sums, x, rows, CHANNEL);
    if (!reduce_block(sums, partial, tickets))
        return;
    add_chunks(partial, total);
    finish_moments(total, FIRST_CHANNEL, rows, coefficients_at(kept), scale, shift, running_mean,
                   running_variance, batches);
}

/* any number of blocks along x */
RT_KERNEL(THREADS)
norm_apply(const struct rt_cuda_pass *pass, const rt_element *__restrict__ x, rt_element *__restrict__ y,
           float *kept)
{
    apply_rows(x, y, pass->count * PLANE, CHANNEL, coefficients_at(kept));
}

/* y from the running statistics */
RT_KERNEL(THREADS)
norm_evaluate(const struct rt_cuda_pass *pass, const rt_element *__restrict__ x, rt_element *__restrict__ y,
              const float *scales, const float *shifts, const float *running_mean,
              const float *running_variance)
{
    const int channel = CHANNEL;

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

/* grid as norm_moments */
RT_KERNEL(THREADS)
norm_sums(const struct rt_cuda_pass *pass, const rt_element *__restrict__ x, const rt_element *__restrict__ dy,
          double *partial, rt_u32 *tickets, float *kept, float *scale, float *scale_states,
          float *scale_gradient, float *shift, float *shift_states, float *shift_gradient)
{
    RT_SHARED double total[VALUES];
    const int rows = pass->count * PLANE;
    const struct coefficients k = coefficients_at(kept);
    const struct parameter scales = {scale, scale_states, scale_gradient},
                           shifts = {shift, shift_states, shift_gradient};
    double sums[2][VECTOR];

    add_gradients(sums, x, dy, rows, CHANNEL, k);
    if (!reduce_block(sums, partial, tickets))
        return;
    add_chunks(partial, total);
    finish_sums(total, FIRST_CHANNEL, rows, k, pass, &scales, &shifts);
}

/* any number of blocks along x */
RT_KERNEL(THREADS)
norm_gradient(const struct rt_cuda_pass *pass, const rt_element *__restrict__ x, const rt_element *dy,
              rt_element *dx, float *kept, const rt_element *sum)
{
    write_gradient(x, dy, dx, sum, pass->count * PLANE, CHANNEL, coefficients_at(kept));
}

#endif
