/* conv, padding p, stride s:
 * y[n,o,i,j] = b[o] + sum_{c,u,v} x[n,c,s i + u - p,s j + v - p] w[o,c,u,v], x zero outside the image
 * dx[n,c,s i + u - p,s j + v - p] += dy[n,o,i,j] w[o,c,u,v]
 * dw[o,c,u,v] = sum_{n,i,j} dy[n,o,i,j] x[n,c,s i + u - p,s j + v - p], db[o] = sum_{n,i,j} dy[n,o,i,j] */
#include "engine/reference/kernels.h"
#include "net/ops.h"

/* The outputs [begin, end) along one side for which window offset u is inside the image: 0 <= s i + u - p < in.
 * */
struct range {
    int begin, end;
};

static struct range seen(int out, int in, int u, const struct rt_attributes *a)
{
    const int before = a->padding - u, last = in - 1 + a->padding - u;
    const int begin = before > 0 ? (before + a->stride - 1) / a->stride : 0;
    const int end = last < 0 ? 0 : last / a->stride + 1;

    return (struct range){begin, end < out ? end : out};
}

/* One image's plane of y, of x and one weight between them: what all three passes walk over. */
struct pair {
    const struct rt_attributes *a;
    struct rt_shape x, y;
    int u, v; /* the weight's place in the window */
};

/* Where x[0,s i + u - p,s j + v - p] lies in its plane. */
static int place(const struct pair *p, int i, int j)
{
    return (p->a->stride * i + p->u - p->a->padding) * p->x.width + p->a->stride * j + p->v - p->a->padding;
}

static void add_forward(const struct pair *p, real *restrict y, real w, const real *restrict x)
{
    const struct range rows = seen(p->y.height, p->x.height, p->u, p->a);
    const struct range columns = seen(p->y.width, p->x.width, p->v, p->a);
    const int s = p->a->stride, n = columns.end - columns.begin;

    for (int i = rows.begin; i < rows.end; i++) {
        real *to = y + i * p->y.width + columns.begin;
        const real *from = x + place(p, i, columns.begin);

        if (s == 1)
            real_add_scaled(to, w, from, n);
        else
            for (int j = 0; j < n; j++)
                to[j] += w * from[s * j];
    }
}

static void add_backward(const struct pair *p, const real *restrict dy, real w, real *restrict dx)
{
    const struct range rows = seen(p->y.height, p->x.height, p->u, p->a);
    const struct range columns = seen(p->y.width, p->x.width, p->v, p->a);
    const int s = p->a->stride, n = columns.end - columns.begin;

    for (int i = rows.begin; i < rows.end; i++) {
        const real *from = dy + i * p->y.width + columns.begin;
        real *to = dx + place(p, i, columns.begin);

        if (s == 1)
            real_add_scaled(to, w, from, n);
        else
            for (int j = 0; j < n; j++)
                to[s * j] += w * from[j];
    }
}

static real weight_gradient(const struct pair *p, const real *restrict dy, const real *restrict x)
{
    const struct range rows = seen(p->y.height, p->x.height, p->u, p->a);
    const struct range columns = seen(p->y.width, p->x.width, p->v, p->a);
    const int s = p->a->stride, n = columns.end - columns.begin;

    real sum = 0;

    for (int i = rows.begin; i < rows.end; i++) {
        const real *d = dy + i * p->y.width + columns.begin;
        const real *from = x + place(p, i, columns.begin);

        if (s == 1)
            sum += real_dot(d, from, n);
        else
            for (int j = 0; j < n; j++)
                sum += d[j] * from[s * j];
    }
    return sum;
}

static void forward_plane(const struct rt_reference_call *call, int n, int o)
{
    struct pair p = {.a = &call->node->attributes, .x = call->in[0], .y = call->node->shape};
    const int kernel = p.a->kernel, x_plane = p.x.height * p.x.width, y_plane = p.y.height * p.y.width;
    const real *w = call->tensors[0] + (size_t)o * (size_t)p.x.channels * (size_t)(kernel * kernel);
    const real *x = call->x[0] + (size_t)n * rt_shape_count(p.x);

    real *y = call->y + (size_t)n * rt_shape_count(p.y) + (size_t)o * (size_t)y_plane;

    for (int i = 0; i < y_plane; i++)
        y[i] = call->tensors[1] ? call->tensors[1][o] : 0;
    for (int c = 0; c < p.x.channels; c++, x += x_plane)
        for (p.u = 0; p.u < kernel; p.u++)
            for (p.v = 0; p.v < kernel; p.v++)
                add_forward(&p, y, *w++, x);
}

static void backward_plane(const struct rt_reference_call *call, int n, int o)
{
    struct pair p = {.a = &call->node->attributes, .x = call->in[0], .y = call->node->shape};
    const int kernel = p.a->kernel, x_plane = p.x.height * p.x.width, y_plane = p.y.height * p.y.width;
    const size_t first = (size_t)o * (size_t)p.x.channels * (size_t)(kernel * kernel);
    const real *w = call->tensors[0] + first, *x = call->x[0] + (size_t)n * rt_shape_count(p.x);
    const real *dy = call->dy + (size_t)n * rt_shape_count(p.y) + (size_t)o * (size_t)y_plane;

    real *dw = call->gradients[0] + first;
    real *dx = call->dx[0] ? call->dx[0] + (size_t)n * rt_shape_count(p.x) : NULL;
    double db = 0;

    for (int c = 0; c < p.x.channels; c++)
        for (p.u = 0; p.u < kernel; p.u++)
            for (p.v = 0; p.v < kernel; p.v++) {
                *dw++ += weight_gradient(&p, dy, x + c * x_plane);
                if (dx)
                    add_backward(&p, dy, *w, dx + c * x_plane);
                w++;
            }
    for (int i = 0; i < y_plane; i++)
        db += (double)dy[i];
    if (call->gradients[1])
        call->gradients[1][o] += (real)db;
}

static void forward(const struct rt_reference_call *call)
{
    for (int n = 0; n < call->count; n++)
        for (int o = 0; o < call->node->shape.channels; o++)
            forward_plane(call, n, o);
}

static void backward(const struct rt_reference_call *call)
{
    for (int n = 0; n < call->count; n++)
        for (int o = 0; o < call->node->shape.channels; o++)
            backward_plane(call, n, o);
}

const struct rt_reference_kernel RT_REFERENCE_KERNEL(conv) = {
    .op = &rt_op_conv, .forward = forward, .backward = backward};
