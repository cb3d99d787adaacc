/* avg_pool: y[n,c,i,j] = mean of x over rows floor(i H / size) .. ceil((i + 1) H / size) and the columns
 * likewise; each of the window's m values gets dy / m. */
#include "engine/reference/kernels.h"
#include "net/ops.h"

struct range {
    int begin, end;
};

static struct range window(int i, int in, int size)
{
    return (struct range){i * in / size, ((i + 1) * in + size - 1) / size};
}

static void forward(const struct rt_reference_call *call)
{
    const struct rt_shape in = call->in[0];
    const int size = call->node->attributes.size;
    const real *x = call->x[0];

    real *y = call->y;

    for (int plane = 0; plane < call->count * in.channels; plane++, x += in.height * in.width)
        for (int i = 0; i < size; i++)
            for (int j = 0; j < size; j++) {
                const struct range rows = window(i, in.height, size), columns = window(j, in.width, size);
                double sum = 0;

                for (int u = rows.begin; u < rows.end; u++)
                    for (int v = columns.begin; v < columns.end; v++)
                        sum += (double)x[u * in.width + v];
                *y++ = (real)(sum / ((rows.end - rows.begin) * (columns.end - columns.begin)));
            }
}

static void backward(const struct rt_reference_call *call)
{
    const struct rt_shape in = call->in[0];
    const int size = call->node->attributes.size;
    const real *dy = call->dy;

    real *dx = call->dx[0];

    for (int plane = 0; plane < call->count * in.channels; plane++, dx += in.height * in.width)
        for (int i = 0; i < size; i++)
            for (int j = 0; j < size; j++, dy++) {
                const struct range rows = window(i, in.height, size), columns = window(j, in.width, size);
                const real share = *dy / (real)((rows.end - rows.begin) * (columns.end - columns.begin));

                for (int u = rows.begin; u < rows.end; u++)
                    for (int v = columns.begin; v < columns.end; v++)
                        dx[u * in.width + v] += share;
            }
}

const struct rt_reference_kernel RT_REFERENCE_KERNEL(avg_pool) = {
    .op = &rt_op_avg_pool, .forward = forward, .backward = backward};
