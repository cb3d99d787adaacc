/* flatten: the same numbers under another shape. */
#include <string.h>

#include "engine/reference/kernels.h"
#include "net/ops.h"

static void forward(const struct rt_reference_call *call)
{
    memcpy(call->y, call->x[0], (size_t)call->count * rt_shape_count(call->node->shape) * sizeof(real));
}

static void backward(const struct rt_reference_call *call)
{
    const size_t count = (size_t)call->count * rt_shape_count(call->node->shape);

    for (size_t i = 0; i < count; i++)
        call->dx[0][i] += call->dy[i];
}

const struct rt_reference_kernel RT_REFERENCE_KERNEL(flatten) = {
    .op = &rt_op_flatten, .forward = forward, .backward = backward};
