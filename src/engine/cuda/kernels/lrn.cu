/* Local response normalisation across channels (Krizhevsky et al. 2012, section 3.3) of rows = images * PLANE,
 * N(c) the channels j with |j - c| <= SIZE / 2.
 *
 *   y[c] = x[c] q[c]^-BETA, q[c] = K + ALPHA / SIZE * sum_{j in N(c)} x[j]^2
 *   dx[c] = dy[c] q[c]^-BETA - 2 ALPHA BETA / SIZE * x[c] * sum_{j in N(c)} dy[j] x[j] q[j]^(-BETA - 1)
 *
 * -D CHANNELS, PLANE; X_LD, Y_LD, DX_LD, DY_LD: leading dimensions, elements; SIZE, ALPHA, BETA, K;
 * THREE_QUARTERS: BETA is 0.75; ACCUMULATE: dx += . One thread per element; q is saved as [rows][CHANNELS].
 * grid: ceil(batch_max * PLANE * CHANNELS / 256) */
#include "element.h"
#include "pass.h"

RT_DEVICE float negative_power(float q)
{
    const float root = sqrtf(q);

    return THREE_QUARTERS ? 1.0f / (root * sqrtf(root)) : powf(q, -(BETA));
}

/* q: saved for the backward pass, or null */
RT_KERNEL(256)
lrn(const struct rt_cuda_pass *pass, const rt_element *__restrict__ x, rt_element *__restrict__ y,
    float *__restrict__ kept)
{
    const rt_u32 i = blockIdx.x * 256 + threadIdx.x, row = i / CHANNELS;
    const int c = (int)(i % CHANNELS);
    const rt_element *const pixel = x + (rt_u64)row * X_LD;
    float q = 0;

    if (row >= (rt_u32)pass->count * PLANE)
        return;
    for (int j = RT_MAX(c - SIZE / 2, 0); j <= RT_MIN(c + SIZE / 2, CHANNELS - 1); j++)
        q = fmaf(rt_value(pixel[j]), rt_value(pixel[j]), q);
    q = fmaf(ALPHA / SIZE, q, K);
    y[(rt_u64)row * Y_LD + c] = rt_element_of(rt_value(pixel[c]) * negative_power(q));
    if (kept)
        kept[i] = q;
}

/* A block's terms, with the halo of its first and last windows. */
RT_KERNEL(256)
lrn_gradient(const struct rt_cuda_pass *pass, const rt_element *__restrict__ x,
             const rt_element *__restrict__ dy, const float *__restrict__ kept, rt_element *__restrict__ dx)
{
    enum { HALF = SIZE / 2 };
    RT_SHARED float terms[256 + 2 * HALF]; /* dy[j] x[j] q[j]^(-BETA - 1) */
    const rt_u32 i = blockIdx.x * 256 + threadIdx.x, row = i / CHANNELS,
                 count = (rt_u32)pass->count * PLANE * CHANNELS;
    const int c = (int)(i % CHANNELS);
    float sum = 0, result;

    for (int t = threadIdx.x; t < 256 + 2 * HALF; t += 256) {
        const rt_u32 j = blockIdx.x * 256 + t - HALF; /* unsigned: below 0 wraps past the end */
        const rt_u32 at = j / CHANNELS, channel = j % CHANNELS;

        terms[t] = j < count
                       ? rt_value(dy[(rt_u64)at * DY_LD + channel]) * rt_value(x[(rt_u64)at * X_LD + channel]) *
                             (negative_power(kept[j]) / kept[j])
                       : 0;
    }
    __syncthreads();
    if (i >= count)
        return;
    for (int j = RT_MAX(c - HALF, 0); j <= RT_MIN(c + HALF, CHANNELS - 1); j++)
        sum += terms[(int)threadIdx.x + HALF + j - c];
    result = rt_value(dy[(rt_u64)row * DY_LD + c]) * negative_power(kept[i]) -
             2 * ALPHA * BETA / SIZE * rt_value(x[(rt_u64)row * X_LD + c]) * sum;
    dx[(rt_u64)row * DX_LD + c] =
        rt_element_of(ACCUMULATE ? rt_value(dx[(rt_u64)row * DX_LD + c]) + result : result);
}
