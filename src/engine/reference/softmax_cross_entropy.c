/* softmax_cross_entropy, t the image's label: y = log(sum_j exp(x[j])) - x[t], dx[j] = dy (softmax(x)[j] - [j =
 * t]), softmax(x)[j] = exp(x[j]) / sum_i exp(x[i]); the largest x is taken off first, so that no exp overflows.
 */
#include <assert.h>

#include "engine/reference/kernels.h"
#include "net/ops.h"

/* The largest logit, and the sum of exp(x - largest). */
static double exp_sum(const real *x, int classes, double *largest)
{
    double sum = 0;

    *largest = (double)x[0];
    for (int j = 1; j < classes; j++)
        if ((double)x[j] > *largest)
            *largest = (double)x[j];
    for (int j = 0; j < classes; j++)
        sum += exp((double)x[j] - *largest);
    return sum;
}

static void forward(const struct rt_reference_call *call)
{
    const int classes = call->in[0].channels;

    for (int n = 0; n < call->count; n++) {
        const real *x = call->x[0] + n * classes;
        double largest;
        const double sum = exp_sum(x, classes, &largest);

        assert(call->labels[n] < classes);
        call->y[n] = (real)(log(sum) + largest - (double)x[call->labels[n]]);
    }
}

static void backward(const struct rt_reference_call *call)
{
    const int classes = call->in[0].channels;

    for (int n = 0; n < call->count; n++) {
        const real *x = call->x[0] + n * classes;
        double largest;
        const double sum = exp_sum(x, classes, &largest);

        for (int j = 0; j < classes; j++)
            call->dx[0][n * classes + j] += (real)((double)call->dy[n] * (exp((double)x[j] - largest) / sum -
                                                                          (j == call->labels[n] ? 1 : 0)));
    }
}

const struct rt_reference_kernel RT_REFERENCE_KERNEL(softmax_cross_entropy) = {
    .op = &rt_op_softmax_cross_entropy, .forward = forward, .backward = backward};
