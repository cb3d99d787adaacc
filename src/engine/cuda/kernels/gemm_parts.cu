/* Split-K reduction: adds the partial sums in the workspace in order, then applies gemm.cu's epilogue (bias and
 * ReLU, accumulation and gate, or update). One thread per float, or per float4 with RT_VECTOR. */
#include "device.h"
#include "update.h"

enum { THREADS = 256, WIDTH = RT_VECTOR ? 4 : 1 };

/* v = floats at .. at + WIDTH - 1 of the sum of RT_SPLITS partial results of `size` floats each */
RT_DEVICE void add_parts(float sum[WIDTH], const float *workspace, int at, int size)
{
    RT_UNROLL for (int i = 0; i < WIDTH; i++) sum[i] = 0;
    RT_UNROLL8 for (int part = 0; part < RT_SPLITS; part++)
    {
        const float *from = workspace + (size_t)part * (size_t)size + (size_t)at;

        if (WIDTH == 4) {
            const float4 four = *(const float4 *)from;

            sum[0] += four.x;
            sum[1 % WIDTH] += four.y;
            sum[2 % WIDTH] += four.z;
            sum[3 % WIDTH] += four.w;
        } else {
            sum[0] += *from;
        }
    }
}

#if RT_PASS == 0
RT_KERNEL(THREADS)
conv_forward_parts(const rt_element *__restrict__ x, const rt_element *__restrict__ w,
                   const float *__restrict__ bias, rt_element *__restrict__ y, const int *__restrict__ count,
                   const float *__restrict__ workspace)
{
    const int at = ((int)blockIdx.x * THREADS + (int)threadIdx.x) * WIDTH, row = at / RT_OC,
              n = at - row * RT_OC;
    float sum[WIDTH];

    if (row >= *count * RT_OH * RT_OW)
        return;
    add_parts(sum, workspace, at, RT_B * RT_OH * RT_OW * RT_OC);
    RT_UNROLL for (int i = 0; i < WIDTH; i++)
    {
        if (RT_BIAS)
            sum[i] += bias[n + i];
        if (RT_RELU && sum[i] < 0)
            sum[i] = 0;
        y[row * RT_OLD + n + i] = rt_element_of(sum[i]);
    }
    (void)x, (void)w;
}
#elif RT_PASS == 1
RT_KERNEL(THREADS)
conv_input_gradient_parts(const rt_element *__restrict__ dy, const rt_element *__restrict__ w,
                          const rt_element *__restrict__ gate, rt_element *__restrict__ dx,
                          const int *__restrict__ count, const float *__restrict__ workspace)
{
    const int at = ((int)blockIdx.x * THREADS + (int)threadIdx.x) * WIDTH, row = at / RT_WC,
              n = at - row * RT_WC;
    float sum[WIDTH];

    if (row >= *count * RT_IH * RT_IW)
        return;
    add_parts(sum, workspace, at, RT_B * RT_IH * RT_IW * RT_WC);
    RT_UNROLL for (int i = 0; i < WIDTH; i++)
    {
        const int to = row * RT_ILD + n + i;

        if (RT_ACCUMULATE)
            sum[i] += rt_value(dx[to]);
        dx[to] = rt_element_of(RT_GATE && !(rt_value(gate[to]) > 0) ? 0 : sum[i]);
    }
    (void)dy, (void)w;
}
#else
RT_KERNEL(THREADS)
conv_weight_gradient_parts(const rt_element *__restrict__ x, const rt_element *__restrict__ dy,
                           float *__restrict__ g, float *__restrict__ bias_g, float *__restrict__ w,
                           float *__restrict__ bias_w, float *__restrict__ v, float *__restrict__ bias_v,
                           const int *__restrict__ count, const struct rt_cuda_update *__restrict__ update,
                           const float *__restrict__ workspace, rt_element *__restrict__ w16)
{
    const int weights = RT_K * RT_K * RT_WC * RT_OC, all = weights + RT_BIAS * RT_OC;
    const int at = ((int)blockIdx.x * THREADS + (int)threadIdx.x) * WIDTH;
    float sum[WIDTH];

    if (at >= all)
        return;
    add_parts(sum, workspace, at, all);
    RT_UNROLL for (int i = 0; i < WIDTH; i++)
    {
        const bool of_bias = at >= weights;
        const int to = (of_bias ? at - weights : at) + i;

        if (RT_UPDATE) {
            rt_update_at((of_bias ? bias_w : w) + to, (of_bias ? bias_v : v) + to, sum[i], update);
            if (RT_MATH == 2 && !of_bias)
                w16[to] = rt_element_of(w[to]);
        } else {
            (of_bias ? bias_g : g)[to] = sum[i];
        }
    }
    (void)x, (void)dy, (void)count, (void)w16;
}
#endif
