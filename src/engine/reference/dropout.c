/* dropout: y = x m, dx = dy m, where m is 1 / (1 - rate) for values kept by net/dropout.h's mask and 0 for the
 * others; in evaluation m is 1. */
#include "net/dropout.h"
#include "engine/reference/kernels.h"
#include "net/ops.h"

static real multiplier(const struct rt_reference_call *call, size_t i)
{
    const float rate = call->node->attributes.rate;

    if (!call->training)
        return 1;
    return rt_dropout_keeps(call->dropout_key, i, rt_dropout_threshold(rate)) ? 1 / (1 - (real)rate) : 0;
}

static void forward(const struct rt_reference_call *call)
{
    const size_t count = (size_t)call->count * rt_shape_count(call->node->shape);

    for (size_t i = 0; i < count; i++)
        call->y[i] = call->x[0][i] * multiplier(call, i);
}

static void backward(const struct rt_reference_call *call)
{
    const size_t count = (size_t)call->count * rt_shape_count(call->node->shape);

    for (size_t i = 0; i < count; i++)
        call->dx[0][i] += call->dy[i] * multiplier(call, i);
}

const struct rt_reference_kernel RT_REFERENCE_KERNEL(dropout) = {
    .op = &rt_op_dropout, .forward = forward, .backward = backward};
