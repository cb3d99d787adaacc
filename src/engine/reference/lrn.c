/* lrn (Krizhevsky et al. 2012, section 3.3), N(c) the channels j with |j - c| <= size / 2:
 * y[c] = x[c] q[c]^-beta, q[c] = k + alpha / size * sum_{j in N(c)} x[j]^2
 * dx[c] = dy[c] q[c]^-beta - 2 alpha beta / size * x[c] * sum_{j in N(c)} dy[j] x[j] q[j]^(-beta - 1) */
#include "engine/reference/kernels.h"
#include "net/ops.h"

struct range {
    int begin, end;
};

static struct range near(int c, int channels, int size)
{
    return (struct range){c - size / 2 > 0 ? c - size / 2 : 0,
                          c + size / 2 < channels ? c + size / 2 + 1 : channels};
}

/* q is kept in the order of x. */
static void forward(const struct rt_reference_call *call)
{
    const struct rt_attributes *a = &call->node->attributes;
    const struct rt_shape s = call->node->shape;
    const int plane = s.height * s.width;

    for (int n = 0; n < call->count; n++)
        for (int c = 0; c < s.channels; c++)
            for (int i = 0; i < plane; i++) {
                const size_t image = (size_t)n * rt_shape_count(s) + (size_t)i;
                const size_t at = image + (size_t)(c * plane);
                const struct range r = near(c, s.channels, a->size);
                real q = 0;

                for (int j = r.begin; j < r.end; j++)
                    q += call->x[0][image + (size_t)(j * plane)] * call->x[0][image + (size_t)(j * plane)];
                q = (real)a->k + (real)a->alpha / (real)a->size * q;
                call->y[at] = call->x[0][at] * RT_REAL_MATH(pow)(q, (real)-a->beta);
                if (call->kept)
                    call->kept[at] = q;
            }
}

static void backward(const struct rt_reference_call *call)
{
    const struct rt_attributes *a = &call->node->attributes;
    const struct rt_shape s = call->node->shape;
    const int plane = s.height * s.width;
    const real *x = call->x[0], *dy = call->dy, *q = call->kept;
    const real beta = (real)a->beta, factor = 2 * (real)a->alpha * beta / (real)a->size;

    for (int n = 0; n < call->count; n++)
        for (int c = 0; c < s.channels; c++)
            for (int i = 0; i < plane; i++) {
                const size_t image = (size_t)n * rt_shape_count(s) + (size_t)i;
                const size_t at = image + (size_t)(c * plane);
                const struct range r = near(c, s.channels, a->size);
                real sum = 0;

                for (int j = r.begin; j < r.end; j++) {
                    const size_t from = image + (size_t)(j * plane);

                    sum += dy[from] * x[from] * RT_REAL_MATH(pow)(q[from], -beta - 1);
                }
                call->dx[0][at] += dy[at] * RT_REAL_MATH(pow)(q[at], -beta) - factor * x[at] * sum;
            }
}

static size_t kept(const struct rt_node *node, int count)
{
    return (size_t)count * rt_shape_count(node->shape);
}

const struct rt_reference_kernel RT_REFERENCE_KERNEL(lrn) = {
    .op = &rt_op_lrn, .forward = forward, .backward = backward, .kept = kept};
