/* Elementwise ops: unfused relu, add, dropout, and the copies of concat and flatten where views do not suffice.
 */
#include "engine/cuda/cuda.h"
#include "net/dropout.h"
#include "net/ops.h"

static struct rt_cuda_kernel rows_kernel(const struct rt_cuda_plan *plan, const char *entry,
                                         const struct rt_node *node, int x_ld, int y_ld, bool accumulate)
{
    struct rt_cuda_kernel kernel =
        rt_cuda_flat("rows.cu", entry, rt_cuda_pixels(plan, node) * (size_t)node->shape.channels);

    rt_cuda_option(&kernel, "CHANNELS", node->shape.channels);
    rt_cuda_option(&kernel, "PLANE", node->shape.height * node->shape.width);
    rt_cuda_option(&kernel, "X_LD", x_ld);
    rt_cuda_option(&kernel, "Y_LD", y_ld);
    rt_cuda_option(&kernel, "ACCUMULATE", accumulate);
    return kernel;
}

/* to = from, or += */
static int emit_copy(struct rt_cuda_plan *plan, const struct rt_node *node, const struct rt_node *shape,
                     unsigned modes, struct rt_cuda_view from, struct rt_cuda_view to, bool accumulate,
                     struct rt_error *err)
{
    struct rt_cuda_kernel kernel = rows_kernel(plan, "copy", shape, from.ld, to.ld, accumulate);

    return RT_CUDA_EMIT(plan, node, modes, &kernel, err, rt_cuda_pass_argument(plan), rt_cuda_at(from.offset),
                        rt_cuda_at(to.offset));
}

/* ---- relu ---- */

static int relu_forward(struct rt_cuda_plan *plan, const struct rt_node *node, struct rt_error *err)
{
    const struct rt_cuda_view x = rt_cuda_input(plan, node, 0)->data, y = plan->values[node->id].data;
    struct rt_cuda_kernel kernel;

    if (plan->values[node->id].producer >= 0)
        return RT_OK;
    kernel = rows_kernel(plan, "relu", node, x.ld, y.ld, false);
    return RT_CUDA_EMIT(plan, node, RT_CUDA_TRAINS | RT_CUDA_EVALUATES, &kernel, err,
                        rt_cuda_pass_argument(plan), rt_cuda_at(x.offset), rt_cuda_at(y.offset));
}

static int relu_backward(struct rt_cuda_plan *plan, const struct rt_node *node, struct rt_error *err)
{
    const struct rt_cuda_value *value = &plan->values[node->id];
    struct rt_cuda_value *x = rt_cuda_input(plan, node, 0);
    struct rt_cuda_kernel kernel;

    if (value->producer >= 0 || !x->needs_gradient)
        return RT_OK;
    kernel =
        rows_kernel(plan, "relu_gradient", node, value->gradient.ld, x->gradient.ld, rt_cuda_accumulate(x));
    return RT_CUDA_EMIT(plan, node, RT_CUDA_BACKWARD, &kernel, err, rt_cuda_pass_argument(plan),
                        rt_cuda_at(value->gradient.offset), rt_cuda_at(value->data.offset),
                        rt_cuda_absolute((uint64_t)value->data.ld), rt_cuda_at(x->gradient.offset));
}

const struct rt_cuda_op rt_cuda_op_relu = {
    .op = &rt_op_relu, .forward = relu_forward, .backward = relu_backward};

/* ---- add ---- */

static int add_forward(struct rt_cuda_plan *plan, const struct rt_node *node, struct rt_error *err)
{
    const struct rt_cuda_view a = rt_cuda_input(plan, node, 0)->data, b = rt_cuda_input(plan, node, 1)->data;
    const struct rt_cuda_view y = plan->values[node->id].data;
    const struct rt_cuda_kernel kernel = rows_kernel(plan, "add", node, a.ld, y.ld, false);

    return RT_CUDA_EMIT(plan, node, RT_CUDA_TRAINS | RT_CUDA_EVALUATES, &kernel, err,
                        rt_cuda_pass_argument(plan), rt_cuda_at(a.offset), rt_cuda_at(b.offset),
                        rt_cuda_absolute((uint64_t)b.ld), rt_cuda_at(y.offset));
}

static int add_backward(struct rt_cuda_plan *plan, const struct rt_node *node, struct rt_error *err)
{
    for (int i = 0; i < 2; i++) {
        const struct rt_cuda_view dy = plan->values[node->id].gradient;
        struct rt_cuda_value *x = rt_cuda_input(plan, node, i);
        bool accumulate;

        if (!x->needs_gradient)
            continue;
        RT_TRY(rt_cuda_settle(plan, rt_cuda_source(plan, node, i), err));
        accumulate = rt_cuda_accumulate(x);
        if (x->gradient.offset == dy.offset)
            continue;
        if (accumulate)
            RT_TRY(emit_copy(plan, node, node, RT_CUDA_BACKWARD, dy, x->gradient, true, err));
        else
            x->pending = dy; /* the next contribution may read it from there */
    }
    return RT_OK;
}

int rt_cuda_settle(struct rt_cuda_plan *plan, const struct rt_node *node, struct rt_error *err)
{
    struct rt_cuda_value *value = &plan->values[node->id];
    const struct rt_cuda_view from = value->pending;

    value->pending = (struct rt_cuda_view){0};
    return from.offset ? emit_copy(plan, node, node, RT_CUDA_BACKWARD, from, value->gradient, false, err)
                       : RT_OK;
}

const struct rt_cuda_op rt_cuda_op_add = {.op = &rt_op_add, .forward = add_forward, .backward = add_backward};

/* ---- concat ---- */

static int concat_forward(struct rt_cuda_plan *plan, const struct rt_node *node, struct rt_error *err)
{
    for (int i = 0, channel = 0; i < 2; channel += rt_node_input(plan->base.graph, node, i++)->shape.channels) {
        const struct rt_cuda_view part = rt_cuda_part(plan, plan->values[node->id].data, channel);
        const struct rt_cuda_view from = rt_cuda_input(plan, node, i)->data;

        if (from.offset != part.offset)
            RT_TRY(emit_copy(plan, node, rt_cuda_source(plan, node, i), RT_CUDA_TRAINS | RT_CUDA_EVALUATES,
                             from, part, false, err));
    }
    return RT_OK;
}

static int concat_backward(struct rt_cuda_plan *plan, const struct rt_node *node, struct rt_error *err)
{
    for (int i = 0, channel = 0; i < 2; channel += rt_node_input(plan->base.graph, node, i++)->shape.channels) {
        const struct rt_cuda_view part = rt_cuda_part(plan, plan->values[node->id].gradient, channel);
        struct rt_cuda_value *x = rt_cuda_input(plan, node, i);

        if (!x->needs_gradient)
            continue;
        if (x->gradient.offset == part.offset)
            rt_cuda_accumulate(x);
        else
            RT_TRY(emit_copy(plan, node, rt_cuda_source(plan, node, i), RT_CUDA_BACKWARD, part, x->gradient,
                             rt_cuda_accumulate(x), err));
    }
    return RT_OK;
}

const struct rt_cuda_op rt_cuda_op_concat = {
    .op = &rt_op_concat, .forward = concat_forward, .backward = concat_backward};

/* ---- flatten with a copy, to NCHW order ---- */

static struct rt_cuda_kernel flatten_kernel(struct rt_cuda_plan *plan, const char *entry,
                                            const struct rt_node *node, int ld)
{
    const struct rt_shape s = rt_cuda_source(plan, node, 0)->shape;
    struct rt_cuda_kernel kernel = rt_cuda_flat("gather.cu", entry, (size_t)(s.height * s.width * ld));

    kernel.grid[1] = (unsigned)plan->base.options.batch_max;
    rt_cuda_option(&kernel, "CHANNELS", s.channels);
    rt_cuda_option(&kernel, "HEIGHT", s.height);
    rt_cuda_option(&kernel, "WIDTH", s.width);
    rt_cuda_option(&kernel, "LD", ld);
    rt_cuda_option(&kernel, "ACTIVATIONS", 1);
    return kernel;
}

static int flatten_forward(struct rt_cuda_plan *plan, const struct rt_node *node, struct rt_error *err)
{
    const struct rt_cuda_view x = rt_cuda_input(plan, node, 0)->data, y = plan->values[node->id].data;
    struct rt_cuda_kernel kernel;

    if (plan->values[node->id].alias)
        return RT_OK;
    kernel = flatten_kernel(plan, "to_planes", node, x.ld);
    return RT_CUDA_EMIT(plan, node, RT_CUDA_TRAINS | RT_CUDA_EVALUATES, &kernel, err,
                        rt_cuda_pass_argument(plan), rt_cuda_at(x.offset), rt_cuda_at(y.offset),
                        rt_cuda_absolute((uint64_t)y.ld));
}

static int flatten_backward(struct rt_cuda_plan *plan, const struct rt_node *node, struct rt_error *err)
{
    const struct rt_cuda_view dy = plan->values[node->id].gradient;
    struct rt_cuda_value *x = rt_cuda_input(plan, node, 0);
    struct rt_cuda_kernel kernel;

    if (!x->needs_gradient)
        return RT_OK;
    kernel = flatten_kernel(plan, "from_planes", node, x->gradient.ld);
    return RT_CUDA_EMIT(plan, node, RT_CUDA_BACKWARD, &kernel, err, rt_cuda_pass_argument(plan),
                        rt_cuda_at(dy.offset), rt_cuda_absolute((uint64_t)dy.ld),
                        rt_cuda_at(x->gradient.offset), rt_cuda_absolute(rt_cuda_accumulate(x)));
}

const struct rt_cuda_op rt_cuda_op_flatten = {
    .op = &rt_op_flatten, .forward = flatten_forward, .backward = flatten_backward};

/* ---- dropout ---- */

static int emit_dropout(struct rt_cuda_plan *plan, const struct rt_node *node, unsigned modes,
                        struct rt_cuda_view from, struct rt_cuda_view to, bool accumulate, struct rt_error *err)
{
    const float rate = node->attributes.rate;
    struct rt_cuda_kernel kernel = rows_kernel(plan, "dropout", node, from.ld, to.ld, accumulate);

    rt_cuda_option(&kernel, "NODE", node->id);
    rt_cuda_option(&kernel, "THRESHOLD", (long)rt_dropout_threshold(rate));
    rt_cuda_option_float(&kernel, "KEPT_SCALE", (double)(1 / (1 - rate)));
    return RT_CUDA_EMIT(plan, node, modes, &kernel, err, rt_cuda_pass_argument(plan), rt_cuda_at(from.offset),
                        rt_cuda_at(to.offset), rt_cuda_absolute(plan->base.options.seed));
}

static int dropout_forward(struct rt_cuda_plan *plan, const struct rt_node *node, struct rt_error *err)
{
    const struct rt_cuda_view x = rt_cuda_input(plan, node, 0)->data, y = plan->values[node->id].data;

    RT_TRY(emit_copy(plan, node, node, RT_CUDA_EVALUATES, x, y, false, err));
    return plan->base.options.training ? emit_dropout(plan, node, RT_CUDA_TRAINS, x, y, false, err) : RT_OK;
}

static int dropout_backward(struct rt_cuda_plan *plan, const struct rt_node *node, struct rt_error *err)
{
    struct rt_cuda_value *x = rt_cuda_input(plan, node, 0);

    return x->needs_gradient ? emit_dropout(plan, node, RT_CUDA_BACKWARD, plan->values[node->id].gradient,
                                            x->gradient, rt_cuda_accumulate(x), err)
                             : RT_OK;
}

const struct rt_cuda_op rt_cuda_op_dropout = {
    .op = &rt_op_dropout, .forward = dropout_forward, .backward = dropout_backward};
