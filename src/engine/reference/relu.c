/* relu: y = max(x, 0), dx = dy where y > 0. NaN passes, so that a diverged network shows. */
#include "engine/reference/kernels.h"
#include "net/ops.h"

static void forward(const struct rt_reference_call *call)
{
    const size_t count = (size_t)call->count * rt_shape_count(call->node->shape);

    for (size_t i = 0; i < count; i++)
        call->y[i] = call->x[0][i] <= 0 ? 0 : call->x[0][i];
}

static void backward(const struct rt_reference_call *call)
{
    const size_t count = (size_t)call->count * rt_shape_count(call->node->shape);

    for (size_t i = 0; i < count; i++)
        call->dx[0][i] += call->y[i] <= 0 ? 0 : call->dy[i];
}

const struct rt_reference_kernel RT_REFERENCE_KERNEL(relu) = {
    .op = &rt_op_relu, .forward = forward, .backward = backward};
