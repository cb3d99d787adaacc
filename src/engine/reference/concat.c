/* concat: y[n] = x0[n] followed by x1[n], along channels. */
#include <string.h>

#include "engine/reference/kernels.h"
#include "net/ops.h"

static void forward(const struct rt_reference_call *call)
{
    const size_t a = rt_shape_count(call->in[0]), b = rt_shape_count(call->in[1]);

    for (size_t n = 0; n < (size_t)call->count; n++) {
        memcpy(call->y + n * (a + b), call->x[0] + n * a, a * sizeof(real));
        memcpy(call->y + n * (a + b) + a, call->x[1] + n * b, b * sizeof(real));
    }
}

static void backward(const struct rt_reference_call *call)
{
    const size_t a = rt_shape_count(call->in[0]), b = rt_shape_count(call->in[1]);

    for (size_t n = 0; n < (size_t)call->count; n++) {
        for (size_t i = 0; i < a && call->dx[0]; i++)
            call->dx[0][n * a + i] += call->dy[n * (a + b) + i];
        for (size_t i = 0; i < b && call->dx[1]; i++)
            call->dx[1][n * b + i] += call->dy[n * (a + b) + a + i];
    }
}

const struct rt_reference_kernel RT_REFERENCE_KERNEL(concat) = {
    .op = &rt_op_concat, .forward = forward, .backward = backward};
