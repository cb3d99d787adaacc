/* linear: y[n,o] = b[o] + sum_i x[n,i] w[o,i]
 * dx[n,i] = sum_o dy[n,o] w[o,i], dw[o,i] = sum_n dy[n,o] x[n,i], db[o] = sum_n dy[n,o] */
#include "engine/reference/kernels.h"
#include "net/ops.h"

static void forward(const struct rt_reference_call *call)
{
    const int in = (int)rt_shape_count(call->in[0]), out = call->node->shape.channels;
    const real *w = call->tensors[0], *b = call->tensors[1];

    for (int o = 0; o < out; o++)
        for (int n = 0; n < call->count; n++)
            call->y[n * out + o] =
                (b ? b[o] : 0) + real_dot(call->x[0] + (size_t)n * (size_t)in, w + (size_t)o * (size_t)in, in);
}

static void backward(const struct rt_reference_call *call)
{
    const int in = (int)rt_shape_count(call->in[0]), out = call->node->shape.channels;

    for (int o = 0; o < out; o++) {
        const real *w = call->tensors[0] + (size_t)o * (size_t)in;
        real *dw = call->gradients[0] + (size_t)o * (size_t)in;
        double db = 0;

        for (int n = 0; n < call->count; n++) {
            const real dy = call->dy[n * out + o];
            const size_t image = (size_t)n * (size_t)in;

            real_add_scaled(dw, dy, call->x[0] + image, in);
            if (call->dx[0])
                real_add_scaled(call->dx[0] + image, dy, w, in);
            db += (double)dy;
        }
        if (call->gradients[1])
            call->gradients[1][o] += (real)db;
    }
}

const struct rt_reference_kernel RT_REFERENCE_KERNEL(linear) = {
    .op = &rt_op_linear, .forward = forward, .backward = backward};
