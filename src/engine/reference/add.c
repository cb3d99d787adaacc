/* add: y = x0 + x1, dx0 = dx1 = dy. */
#include "engine/reference/kernels.h"
#include "net/ops.h"

static void forward(const struct rt_reference_call *call)
{
    const size_t count = (size_t)call->count * rt_shape_count(call->node->shape);

    for (size_t i = 0; i < count; i++)
        call->y[i] = call->x[0][i] + call->x[1][i];
}

static void backward(const struct rt_reference_call *call)
{
    const size_t count = (size_t)call->count * rt_shape_count(call->node->shape);

    for (int input = 0; input < 2; input++)
        for (size_t i = 0; i < count && call->dx[input]; i++)
            call->dx[input][i] += call->dy[i];
}

const struct rt_reference_kernel RT_REFERENCE_KERNEL(add) = {
    .op = &rt_op_add, .forward = forward, .backward = backward};
