/* max_pool and avg_pool: one thread per element of the output (or float4); lrn: one per element. */
#include "engine/cuda/cuda.h"
#include "net/ops.h"

/* Options common to the kernels of pool.cu and lrn.cu. */
static void add_views(struct rt_cuda_plan *plan, const struct rt_node *node, struct rt_cuda_kernel *kernel,
                      bool accumulate)
{
    const struct rt_cuda_value *x = rt_cuda_input(plan, node, 0), *y = &plan->values[node->id];

    rt_cuda_option(kernel, "CHANNELS", node->shape.channels);
    rt_cuda_option(kernel, "X_LD", x->data.ld);
    rt_cuda_option(kernel, "Y_LD", y->data.ld);
    rt_cuda_option(kernel, "DX_LD", x->gradient.ld);
    rt_cuda_option(kernel, "DY_LD", y->gradient.ld);
    rt_cuda_option(kernel, "ACCUMULATE", accumulate);
}

static void add_maps(struct rt_cuda_plan *plan, const struct rt_node *node, struct rt_cuda_kernel *kernel)
{
    const struct rt_shape x = rt_cuda_source(plan, node, 0)->shape;

    rt_cuda_option(kernel, "HEIGHT", x.height);
    rt_cuda_option(kernel, "WIDTH", x.width);
    rt_cuda_option(kernel, "OUT_HEIGHT", node->shape.height);
    rt_cuda_option(kernel, "OUT_WIDTH", node->shape.width);
}

/* Vector width: 4 where channels, leading dimensions and offsets are multiples of 4, else 1. */
static int vector_of(struct rt_cuda_plan *plan, const struct rt_node *node)
{
    const struct rt_cuda_value *x = rt_cuda_input(plan, node, 0), *y = &plan->values[node->id];
    const struct rt_cuda_view views[] = {x->data, x->gradient, y->data, y->gradient};

    for (size_t i = 0; i < sizeof views / sizeof *views; i++)
        if (views[i].ld % 4 || views[i].channel % 4)
            return 1;
    return node->shape.channels % 4 ? 1 : 4;
}

/* written: the node of the kernel's output shape. */
static struct rt_cuda_kernel kernel_of(struct rt_cuda_plan *plan, const char *source, const char *entry,
                                       const struct rt_node *node, const struct rt_node *written, int vector,
                                       bool accumulate)
{
    struct rt_cuda_kernel kernel =
        rt_cuda_flat(source, entry, rt_cuda_pixels(plan, written) * (size_t)(node->shape.channels / vector));

    add_views(plan, node, &kernel, accumulate);
    rt_cuda_option(&kernel, "VECTOR", vector);
    return kernel;
}

/* ---- max_pool ---- */

static struct rt_cuda_kernel max_pool_kernel(struct rt_cuda_plan *plan, const char *entry,
                                             const struct rt_node *node, const struct rt_node *written,
                                             bool accumulate)
{
    const struct rt_attributes *a = &node->attributes;
    struct rt_cuda_kernel kernel =
        kernel_of(plan, "pool.cu", entry, node, written, vector_of(plan, node), accumulate);

    add_maps(plan, node, &kernel);
    rt_cuda_option(&kernel, "KERNEL", a->kernel);
    rt_cuda_option(&kernel, "STRIDE", a->stride);
    rt_cuda_option(&kernel, "PADDING", a->padding);
    rt_cuda_option(&kernel, "WIDE", a->kernel > 16);
    return kernel;
}

static int max_pool_forward(struct rt_cuda_plan *plan, const struct rt_node *node, struct rt_error *err)
{
    struct rt_cuda_kernel kernel = max_pool_kernel(plan, "max_pool", node, node, false);
    struct rt_cuda_value *value = &plan->values[node->id];
    const struct rt_cuda_value *x = rt_cuda_input(plan, node, 0);

    rt_cuda_option(&kernel, "GATE", 0);
    if (x->needs_gradient)
        value->saved = rt_cuda_reserve(plan, rt_cuda_pixels(plan, node) * (size_t)node->shape.channels *
                                                 (node->attributes.kernel > 16 ? 2 : 1));
    return RT_CUDA_EMIT(plan, node, RT_CUDA_TRAINS | RT_CUDA_EVALUATES, &kernel, err,
                        rt_cuda_pass_argument(plan), rt_cuda_at(x->data.offset), rt_cuda_at(value->data.offset),
                        rt_cuda_at(value->saved));
}

static int max_pool_backward(struct rt_cuda_plan *plan, const struct rt_node *node, struct rt_error *err)
{
    const struct rt_cuda_value *value = &plan->values[node->id];
    struct rt_cuda_value *x = rt_cuda_input(plan, node, 0);
    struct rt_cuda_kernel kernel;
    bool gate;

    if (!x->needs_gradient)
        return RT_OK;
    /* as the only consumer of a fused ReLU, apply its mask here: y is smaller than x */
    gate =
        x->producer >= 0 && x->consumers == 1 && plan->base.graph->nodes[x->producer].op != &rt_op_batch_norm;
    x->masked |= gate;
    kernel =
        max_pool_kernel(plan, "max_pool_gradient", node, rt_cuda_source(plan, node, 0), rt_cuda_accumulate(x));
    rt_cuda_option(&kernel, "GATE", gate);
    return RT_CUDA_EMIT(plan, node, RT_CUDA_BACKWARD, &kernel, err, rt_cuda_pass_argument(plan),
                        rt_cuda_at(value->gradient.offset), rt_cuda_at(value->saved),
                        rt_cuda_at(x->gradient.offset), rt_cuda_at(value->data.offset));
}

const struct rt_cuda_op rt_cuda_op_max_pool = {
    .op = &rt_op_max_pool, .forward = max_pool_forward, .backward = max_pool_backward};

/* ---- avg_pool ---- */

static struct rt_cuda_kernel avg_pool_kernel(struct rt_cuda_plan *plan, const char *entry,
                                             const struct rt_node *node, const struct rt_node *written,
                                             bool accumulate)
{
    struct rt_cuda_kernel kernel =
        kernel_of(plan, "pool.cu", entry, node, written, vector_of(plan, node), accumulate);

    add_maps(plan, node, &kernel);
    rt_cuda_option(&kernel, "SIZE", node->attributes.size);
    return kernel;
}

static int avg_pool_forward(struct rt_cuda_plan *plan, const struct rt_node *node, struct rt_error *err)
{
    const struct rt_cuda_kernel kernel = avg_pool_kernel(plan, "avg_pool", node, node, false);

    return RT_CUDA_EMIT(plan, node, RT_CUDA_TRAINS | RT_CUDA_EVALUATES, &kernel, err,
                        rt_cuda_pass_argument(plan), rt_cuda_at(rt_cuda_input(plan, node, 0)->data.offset),
                        rt_cuda_at(plan->values[node->id].data.offset));
}

static int avg_pool_backward(struct rt_cuda_plan *plan, const struct rt_node *node, struct rt_error *err)
{
    struct rt_cuda_value *x = rt_cuda_input(plan, node, 0);
    struct rt_cuda_kernel kernel;

    if (!x->needs_gradient)
        return RT_OK;
    kernel =
        avg_pool_kernel(plan, "avg_pool_gradient", node, rt_cuda_source(plan, node, 0), rt_cuda_accumulate(x));
    return RT_CUDA_EMIT(plan, node, RT_CUDA_BACKWARD, &kernel, err, rt_cuda_pass_argument(plan),
                        rt_cuda_at(plan->values[node->id].gradient.offset), rt_cuda_at(x->gradient.offset));
}

const struct rt_cuda_op rt_cuda_op_avg_pool = {
    .op = &rt_op_avg_pool, .forward = avg_pool_forward, .backward = avg_pool_backward};

/* ---- lrn ---- */

static struct rt_cuda_kernel lrn_kernel(struct rt_cuda_plan *plan, const char *entry,
                                        const struct rt_node *node, bool accumulate)
{
    const struct rt_attributes *a = &node->attributes;
    struct rt_cuda_kernel kernel = kernel_of(plan, "lrn.cu", entry, node, node, 1, accumulate);

    rt_cuda_option(&kernel, "PLANE", node->shape.height * node->shape.width);
    rt_cuda_option(&kernel, "SIZE", a->size);
    rt_cuda_option_float(&kernel, "ALPHA", (double)a->alpha);
    rt_cuda_option_float(&kernel, "BETA", (double)a->beta);
    rt_cuda_option_float(&kernel, "K", (double)a->k);
    rt_cuda_option(&kernel, "THREE_QUARTERS", a->beta == 0.75F);
    return kernel;
}

static int lrn_forward(struct rt_cuda_plan *plan, const struct rt_node *node, struct rt_error *err)
{
    const struct rt_cuda_kernel kernel = lrn_kernel(plan, "lrn", node, false);
    struct rt_cuda_value *value = &plan->values[node->id];
    const struct rt_cuda_value *x = rt_cuda_input(plan, node, 0);

    if (x->needs_gradient)
        value->saved =
            rt_cuda_reserve(plan, rt_cuda_pixels(plan, node) * (size_t)node->shape.channels * sizeof(float));
    return RT_CUDA_EMIT(plan, node, RT_CUDA_TRAINS | RT_CUDA_EVALUATES, &kernel, err,
                        rt_cuda_pass_argument(plan), rt_cuda_at(x->data.offset), rt_cuda_at(value->data.offset),
                        rt_cuda_at(value->saved));
}

static int lrn_backward(struct rt_cuda_plan *plan, const struct rt_node *node, struct rt_error *err)
{
    const struct rt_cuda_value *value = &plan->values[node->id];
    struct rt_cuda_value *x = rt_cuda_input(plan, node, 0);
    struct rt_cuda_kernel kernel;

    if (!x->needs_gradient)
        return RT_OK;
    kernel = lrn_kernel(plan, "lrn_gradient", node, rt_cuda_accumulate(x));
    return RT_CUDA_EMIT(plan, node, RT_CUDA_BACKWARD, &kernel, err, rt_cuda_pass_argument(plan),
                        rt_cuda_at(x->data.offset), rt_cuda_at(value->gradient.offset),
                        rt_cuda_at(value->saved), rt_cuda_at(x->gradient.offset));
}

const struct rt_cuda_op rt_cuda_op_lrn = {.op = &rt_op_lrn, .forward = lrn_forward, .backward = lrn_backward};
