/* Elementwise kernels on [rows][CHANNELS], rows = images * PLANE.
 *
 * -D CHANNELS, PLANE; X_LD, Y_LD: leading dimensions of input and output, elements; ACCUMULATE: y += .
 * dropout: NODE, THRESHOLD (the rate in units of 2^-32), KEPT_SCALE (1 / (1 - rate)).
 *
 * One thread per element; grid: ceil(batch_max * PLANE * CHANNELS / 256) */
#include "element.h"
#include "pass.h"

#define AT_ROW                                                                                                 \
    const rt_u32 i = blockIdx.x * 256 + threadIdx.x, row = i / CHANNELS, c = i % CHANNELS;                     \
    const rt_u64 from = (rt_u64)row * X_LD + c, to = (rt_u64)row * Y_LD + c;                                   \
                                                                                                               \
    (void)from;                                                                                                \
    (void)to;                                                                                                  \
    if (row >= (rt_u32)pass->count * PLANE)                                                                    \
        return;

RT_KERNEL(256) copy(const struct rt_cuda_pass *pass, const rt_element *x, rt_element *y)
{
    AT_ROW
    y[to] = ACCUMULATE ? rt_element_of(rt_value(y[to]) + rt_value(x[from])) : x[from];
}

/* y = a + b; leading dimensions X_LD and b_ld */
RT_KERNEL(256)
add(const struct rt_cuda_pass *pass, const rt_element *a, const rt_element *b, int b_ld, rt_element *y)
{
    AT_ROW
    y[to] = rt_element_of(rt_value(a[from]) + rt_value(b[(rt_u64)row * b_ld + c]));
}

RT_KERNEL(256) relu(const struct rt_cuda_pass *pass, const rt_element *x, rt_element *y)
{
    AT_ROW
    const float value = rt_value(x[from]);

    y[to] = rt_element_of(value <= 0 ? 0 : value); /* NaN is preserved */
}

/* y (dx) = x (dy) where the ReLU's output `value` is not <= 0, else 0; value_ld: its leading dimension. */
RT_KERNEL(256)
relu_gradient(const struct rt_cuda_pass *pass, const rt_element *x, const rt_element *value, int value_ld,
              rt_element *y)
{
    AT_ROW
    const float gradient = rt_value(value[(rt_u64)row * value_ld + c]) <= 0 ? 0 : rt_value(x[from]);

    y[to] = rt_element_of(ACCUMULATE ? rt_value(y[to]) + gradient : gradient);
}

#ifdef THRESHOLD
RT_DEVICE rt_u64 mix(rt_u64 z)
{
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
}

/* The mask of net/dropout.h, indexed in NCHW order; forward and backward are the same. */
RT_KERNEL(256) dropout(const struct rt_cuda_pass *pass, const rt_element *x, rt_element *y, rt_u64 seed)
{
    AT_ROW
    const rt_u64 key = mix(mix(mix(seed + 1) + (pass->serial + pass->batch) + 1) + NODE + 1);
    const rt_u64 index = ((rt_u64)(row / PLANE) * CHANNELS + c) * PLANE + row % PLANE;
    const bool keeps = (rt_u32)(mix(key + index * 0x9e3779b97f4a7c15ull) >> 32) >= THRESHOLD;
    const float value = __fmul_rn(rt_value(x[from]), keeps ? KEPT_SCALE : 0.0f);

    y[to] = rt_element_of(ACCUMULATE ? rt_value(y[to]) + value : value);
}
#endif
