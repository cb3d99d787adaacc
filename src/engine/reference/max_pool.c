/* max_pool: y[n,c,i,j] = the largest x[n,c,s i + u - p,s j + v - p] of the window within the image: the first
 * of equals, and a NaN before any number (as PyTorch). dy goes to that one. */
#include "engine/reference/kernels.h"
#include "net/ops.h"

/* The place in the plane x of the largest value of output (i, j)'s window. */
static int largest(const real *x, struct rt_shape shape, const struct rt_attributes *a, int i, int j)
{
    int best = -1;

    for (int u = a->stride * i - a->padding; u < a->stride * i - a->padding + a->kernel; u++)
        for (int v = a->stride * j - a->padding; v < a->stride * j - a->padding + a->kernel; v++) {
            const int at = u * shape.width + v;

            if (u < 0 || u >= shape.height || v < 0 || v >= shape.width)
                continue;
            if (best < 0 || x[at] > x[best] || isnan(x[at]))
                best = at;
        }
    return best;
}

static void forward(const struct rt_reference_call *call)
{
    const struct rt_shape in = call->in[0], out = call->node->shape;
    const real *x = call->x[0];

    real *y = call->y;

    for (int plane = 0; plane < call->count * out.channels; plane++, x += in.height * in.width)
        for (int i = 0; i < out.height; i++)
            for (int j = 0; j < out.width; j++)
                *y++ = x[largest(x, in, &call->node->attributes, i, j)];
}

static void backward(const struct rt_reference_call *call)
{
    const struct rt_shape in = call->in[0], out = call->node->shape;
    const real *x = call->x[0], *dy = call->dy;

    real *dx = call->dx[0];

    for (int plane = 0; plane < call->count * out.channels; plane++) {
        for (int i = 0; i < out.height; i++)
            for (int j = 0; j < out.width; j++)
                dx[largest(x, in, &call->node->attributes, i, j)] += *dy++;
        x += in.height * in.width;
        dx += in.height * in.width;
    }
}

const struct rt_reference_kernel RT_REFERENCE_KERNEL(max_pool) = {
    .op = &rt_op_max_pool, .forward = forward, .backward = backward};
