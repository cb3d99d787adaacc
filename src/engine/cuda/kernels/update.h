/* What is done with a parameter's gradient, at the end of the kernel that completes it: kept where `gradient`
 * is given, else SGD, rounded as PyTorch and the CPU engines round: v = momentum v + (g + decay w), w -= rate
 * v. */
#ifndef RT_CUDA_KERNELS_UPDATE_H
#define RT_CUDA_KERNELS_UPDATE_H

#include "host.h"
#include "pass.h"

RT_DEVICE void rt_apply_gradient(const struct rt_cuda_pass *pass, float g, float *w, float *v, float *gradient)
{
    if (gradient) {
        *gradient = g;
    } else {
        const float decayed = __fadd_rn(g, __fmul_rn(pass->weight_decay, *w));
        const float moved = __fadd_rn(__fmul_rn(pass->momentum, *v), decayed);

        *v = moved;
        *w = __fsub_rn(*w, __fmul_rn(pass->learning_rate, moved));
    }
}

#endif
