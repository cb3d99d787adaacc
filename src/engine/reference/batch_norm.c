/* batch_norm: per channel, over m = n * h * w values (Ioffe and Szegedy 2015):
 * y = (x - mean) / deviation * scale + shift, deviation = sqrt(variance + eps), variance biased
 * with z = (x - mean) / deviation:
 * dscale = sum dy z, dshift = sum dy, dx = scale / deviation * (dy - dshift / m - z * dscale / m) */
#include "engine/reference/kernels.h"
#include "net/ops.h"

enum { SCALE, SHIFT, RUNNING_MEAN, RUNNING_VAR };

/* One channel of a batch: image n's plane begins at start + n * stride. */
struct channel {
    int count, plane;
    size_t start, stride;
    double values; /* m */
};

static struct channel channel_of(const struct rt_reference_call *call, int c)
{
    const int plane = call->node->shape.height * call->node->shape.width;

    return (struct channel){.count = call->count,
                            .plane = plane,
                            .start = (size_t)c * (size_t)plane,
                            .stride = rt_shape_count(call->node->shape),
                            .values = (double)call->count * plane};
}

static double channel_mean(const struct channel *ch, const real *x)
{
    double sum = 0;

    for (int n = 0; n < ch->count; n++)
        for (int i = 0; i < ch->plane; i++)
            sum += (double)x[ch->start + (size_t)n * ch->stride + (size_t)i];
    return sum / ch->values;
}

static double channel_variance(const struct channel *ch, const real *x, double mean)
{
    double sum = 0;

    for (int n = 0; n < ch->count; n++)
        for (int i = 0; i < ch->plane; i++) {
            const double d = (double)x[ch->start + (size_t)n * ch->stride + (size_t)i] - mean;

            sum += d * d;
        }
    return sum / ch->values;
}

static void move_running(real *running, double momentum, double towards)
{
    *running = (real)((1 - momentum) * (double)*running + momentum * towards);
}

static void forward_channel(const struct rt_reference_call *call, int c)
{
    const struct channel ch = channel_of(call, c);
    const double momentum = (double)call->node->attributes.momentum;
    double mean = (double)call->tensors[RUNNING_MEAN][c], variance = (double)call->tensors[RUNNING_VAR][c];

    real deviation;

    if (call->training) {
        mean = channel_mean(&ch, call->x[0]);
        variance = channel_variance(&ch, call->x[0], mean);
        move_running(&call->tensors[RUNNING_MEAN][c], momentum, mean);
        move_running(&call->tensors[RUNNING_VAR][c], momentum, variance * ch.values / (ch.values - 1));
    }
    deviation = (real)sqrt(variance + (double)call->node->attributes.eps);
    if (call->kept) {
        call->kept[2 * c] = (real)mean;
        call->kept[2 * c + 1] = deviation;
    }
    for (int n = 0; n < ch.count; n++)
        for (int i = 0; i < ch.plane; i++) {
            const size_t at = ch.start + (size_t)n * ch.stride + (size_t)i;

            call->y[at] =
                (call->x[0][at] - (real)mean) / deviation * call->tensors[SCALE][c] + call->tensors[SHIFT][c];
        }
}

static void backward_channel(const struct rt_reference_call *call, int c)
{
    const struct channel ch = channel_of(call, c);
    const real mean = call->kept[2 * c], deviation = call->kept[2 * c + 1];
    double dscale = 0, dshift = 0;

    for (int n = 0; n < ch.count; n++)
        for (int i = 0; i < ch.plane; i++) {
            const size_t at = ch.start + (size_t)n * ch.stride + (size_t)i;

            dscale += (double)(call->dy[at] * ((call->x[0][at] - mean) / deviation));
            dshift += (double)call->dy[at];
        }
    if (call->gradients[SCALE]) /* null: unscaled */
        call->gradients[SCALE][c] += (real)dscale;
    call->gradients[SHIFT][c] += (real)dshift;
    for (int n = 0; n < ch.count && call->dx[0]; n++)
        for (int i = 0; i < ch.plane; i++) {
            const size_t at = ch.start + (size_t)n * ch.stride + (size_t)i;
            const real z = (call->x[0][at] - mean) / deviation;

            call->dx[0][at] += call->tensors[SCALE][c] / deviation *
                               (call->dy[at] - (real)(dshift / ch.values) - z * (real)(dscale / ch.values));
        }
}

static void forward(const struct rt_reference_call *call)
{
    for (int c = 0; c < call->node->shape.channels; c++)
        forward_channel(call, c);
    if (call->training)
        ++*call->batches;
}

static void backward(const struct rt_reference_call *call)
{
    for (int c = 0; c < call->node->shape.channels; c++)
        backward_channel(call, c);
}

/* mean and deviation of each channel */
static size_t kept(const struct rt_node *node, int count)
{
    (void)count;
    return 2 * (size_t)node->shape.channels;
}

const struct rt_reference_kernel RT_REFERENCE_KERNEL(batch_norm) = {
    .op = &rt_op_batch_norm, .forward = forward, .backward = backward, .kept = kept};
