/* conv and linear, by the kernels of gemm.h. A linear layer is a 1 x 1 convolution of a 1 x 1 map whose
 * channels are all values of an image. */
#include <stddef.h>

#include "engine/cuda/cuda.h"
#include "net/ops.h"

static enum rt_cuda_math math_of(const struct rt_cuda_plan *plan, const struct rt_node *node)
{
    if (plan->base.options.precision == RT_PRECISION_BF16)
        return RT_CUDA_BF16;
    return plan->base.options.precision == RT_PRECISION_TF32 && node->op == &rt_op_conv ? RT_CUDA_TF32
                                                                                        : RT_CUDA_FP32;
}

/* The convolution's shape; in, out: views of x or dx, and of y or dy. */
static struct rt_cuda_conv shape_of(struct rt_cuda_plan *plan, const struct rt_node *node,
                                    struct rt_cuda_view in, struct rt_cuda_view out)
{
    const struct rt_shape x = rt_cuda_source(plan, node, 0)->shape, y = node->shape;
    struct rt_cuda_conv conv = {.batch_max = plan->base.options.batch_max,
                                .in_h = x.height,
                                .in_w = x.width,
                                .in_c = x.channels,
                                .in_ld = in.ld,
                                .in_offset = in.channel,
                                .out_h = y.height,
                                .out_w = y.width,
                                .out_c = y.channels,
                                .out_ld = out.ld,
                                .out_offset = out.channel,
                                .kernel = node->attributes.kernel,
                                .stride = node->attributes.stride,
                                .padding = node->attributes.padding,
                                .bias = node->attributes.bias,
                                .math = math_of(plan, node)};

    if (node->op == &rt_op_linear) {
        const int area = x.height * x.width;

        conv.in_h = conv.in_w = conv.kernel = conv.stride = 1;
        conv.padding = 0;
        conv.in_c *= area;
        conv.in_ld *= area;
    }
    conv.padded_input = conv.in_c % 4 != 0 && conv.in_ld >= (conv.in_c + 3) / 4 * 4 &&
                        rt_cuda_source(plan, node, 0)->op == &rt_op_input;
    return conv;
}

static int plan_pass(struct rt_cuda_plan *plan, struct rt_cuda_conv_plan *out, const struct rt_cuda_conv *conv,
                     enum rt_cuda_conv_pass pass, struct rt_error *err)
{
    RT_TRY(
        rt_cuda_conv_plan(out, conv, pass, plan->device->multiprocessors, plan->device->shared_max, NULL, err));
    rt_cuda_reserve_scratch(plan, out->workspace_bytes);
    return RT_OK;
}

static struct rt_cuda_argument count_argument(const struct rt_cuda_plan *plan)
{
    return rt_cuda_at(plan->pass_offset + offsetof(struct rt_cuda_pass, count));
}

/* The node's weight (0) or bias (1); null addresses where there is no bias. */
static const struct rt_cuda_tensor *tensor_of(const struct rt_cuda_plan *plan, const struct rt_node *node,
                                              int i)
{
    static const struct rt_cuda_tensor none;

    return i < node->tensor_count ? &plan->tensors[node->tensors[i]] : &none;
}

/* The node's weight as forward and input gradient read it. */
static struct rt_cuda_argument weight_to_read(const struct rt_cuda_plan *plan, const struct rt_node *node)
{
    const struct rt_cuda_tensor *w = tensor_of(plan, node, 0);

    return rt_cuda_absolute(math_of(plan, node) == RT_CUDA_BF16 ? w->stored : w->value);
}

static int product_forward(struct rt_cuda_plan *plan, const struct rt_node *node, struct rt_error *err)
{
    const struct rt_cuda_view x = rt_cuda_input(plan, node, 0)->data, y = plan->values[node->id].data;
    struct rt_cuda_conv conv = shape_of(plan, node, x, y);
    struct rt_cuda_conv_plan pass;

    conv.relu = plan->values[node->id].relu_fused;
    RT_TRY(plan_pass(plan, &pass, &conv, RT_CUDA_FORWARD, err));
    for (int i = 0; i < pass.count; i++)
        RT_TRY(RT_CUDA_EMIT(plan, node, RT_CUDA_TRAINS | RT_CUDA_EVALUATES, &pass.kernels[i], err,
                            rt_cuda_at(x.offset), weight_to_read(plan, node),
                            rt_cuda_absolute(tensor_of(plan, node, 1)->value), rt_cuda_at(y.offset),
                            count_argument(plan), rt_cuda_scratch()));
    return RT_OK;
}

/* dy = 0 where the fused ReLU's output is. */
static int mask_gradient(struct rt_cuda_plan *plan, const struct rt_node *node, struct rt_error *err)
{
    const struct rt_cuda_value *value = &plan->values[node->id];
    struct rt_cuda_kernel kernel =
        rt_cuda_flat("rows.cu", "relu_gradient", rt_cuda_pixels(plan, node) * (size_t)node->shape.channels);

    rt_cuda_option(&kernel, "CHANNELS", node->shape.channels);
    rt_cuda_option(&kernel, "PLANE", node->shape.height * node->shape.width);
    rt_cuda_option(&kernel, "X_LD", value->gradient.ld);
    rt_cuda_option(&kernel, "Y_LD", value->gradient.ld);
    rt_cuda_option(&kernel, "ACCUMULATE", 0);
    return RT_CUDA_EMIT(plan, node, RT_CUDA_BACKWARD, &kernel, err, rt_cuda_pass_argument(plan),
                        rt_cuda_at(value->gradient.offset), rt_cuda_at(value->data.offset),
                        rt_cuda_absolute((uint64_t)value->data.ld), rt_cuda_at(value->gradient.offset));
}

/* Whether the node's gradient may be zeroed where its value is 0: it is a ReLU's, or only flows into some. */
static bool can_mask(const struct rt_cuda_plan *plan, const struct rt_node *node)
{
    if (node->op == &rt_op_concat)
        return can_mask(plan, rt_cuda_source(plan, node, 0)) && can_mask(plan, rt_cuda_source(plan, node, 1));
    return node->op == &rt_op_relu ||
           (node->op == &rt_op_max_pool && can_mask(plan, rt_cuda_source(plan, node, 0)));
}

/* Whether the gradient buffer includes that of a ReLU fused into a convolution or linear layer. */
static bool needs_mask(const struct rt_cuda_plan *plan, const struct rt_node *node)
{
    const struct rt_cuda_value *value = &plan->values[node->id];

    if (node->op == &rt_op_concat)
        for (int i = 0; i < 2; i++)
            if (plan->values[node->inputs[i]].shared && needs_mask(plan, rt_cuda_source(plan, node, i)))
                return true;
    return value->producer >= 0 && plan->base.graph->nodes[value->producer].op != &rt_op_batch_norm;
}

static void set_masked(struct rt_cuda_plan *plan, const struct rt_node *node)
{
    plan->values[node->id].masked = true;
    for (int i = 0; i < 2 && node->op == &rt_op_concat; i++)
        if (plan->values[node->inputs[i]].shared)
            set_masked(plan, rt_cuda_source(plan, node, i));
}

static int input_gradient(struct rt_cuda_plan *plan, const struct rt_node *node, struct rt_error *err)
{
    const struct rt_node *from = rt_cuda_source(plan, node, 0);
    struct rt_cuda_value *x = rt_cuda_input(plan, node, 0);
    const struct rt_cuda_view dy = plan->values[node->id].gradient;
    struct rt_cuda_conv conv = shape_of(plan, node, x->gradient, dy);
    struct rt_cuda_conv_plan pass;

    conv.accumulate = rt_cuda_accumulate(x);
    /* the last contribution masks the sum, which saves the fused ReLU's own masking kernel */
    conv.gate = x->written == x->consumers && x->data.ld == x->gradient.ld &&
                x->data.channel % 4 == x->gradient.channel % 4 && can_mask(plan, from) &&
                needs_mask(plan, from);
    if (conv.gate)
        set_masked(plan, from);
    RT_TRY(plan_pass(plan, &pass, &conv, RT_CUDA_INPUT_GRADIENT, err));
    for (int i = 0; i < pass.count; i++)
        RT_TRY(RT_CUDA_EMIT(plan, node, RT_CUDA_BACKWARD, &pass.kernels[i], err, rt_cuda_at(dy.offset),
                            weight_to_read(plan, node), rt_cuda_at(conv.gate ? x->data.offset : 0),
                            rt_cuda_at(x->gradient.offset), count_argument(plan), rt_cuda_scratch()));
    return RT_OK;
}

static int weight_gradient(struct rt_cuda_plan *plan, const struct rt_node *node, bool update,
                           struct rt_error *err)
{
    const struct rt_cuda_view x = rt_cuda_input(plan, node, 0)->data, dy = plan->values[node->id].gradient;
    const struct rt_cuda_tensor *w = tensor_of(plan, node, 0), *b = tensor_of(plan, node, 1);
    struct rt_cuda_conv conv = shape_of(plan, node, x, dy);
    struct rt_cuda_conv_plan pass;

    conv.update = update;
    conv.optimizer = rt_cuda_optimizer(plan);
    RT_TRY(plan_pass(plan, &pass, &conv, RT_CUDA_WEIGHT_GRADIENT, err));
    for (int i = 0; i < pass.count; i++)
        RT_TRY(RT_CUDA_EMIT(plan, node, update ? RT_CUDA_UPDATES : RT_CUDA_KEEPS, &pass.kernels[i], err,
                            rt_cuda_at(x.offset), rt_cuda_at(dy.offset), rt_cuda_absolute(w->gradient),
                            rt_cuda_absolute(b->gradient), rt_cuda_absolute(w->value),
                            rt_cuda_absolute(b->value), rt_cuda_absolute(w->states),
                            rt_cuda_absolute(b->states), count_argument(plan),
                            rt_cuda_at(plan->pass_offset + offsetof(struct rt_cuda_pass, update)),
                            rt_cuda_scratch(), rt_cuda_absolute(w->stored)));
    return RT_OK;
}

static int product_backward(struct rt_cuda_plan *plan, const struct rt_node *node, struct rt_error *err)
{
    const struct rt_cuda_value *value = &plan->values[node->id];
    const struct rt_graph *graph = plan->base.graph;

    if (value->relu_fused) {
        bool masked = false;

        for (int i = node->id + 1; i < graph->node_count; i++)
            if (plan->values[i].producer == node->id)
                masked = plan->values[i].masked;
        if (!masked)
            RT_TRY(mask_gradient(plan, node, err));
    }
    if (rt_cuda_input(plan, node, 0)->needs_gradient)
        RT_TRY(input_gradient(plan, node, err));
    plan->emit_side = plan->emit_fork =
        true; /* after the input gradient, which reads the weights before their update */
    RT_TRY(weight_gradient(plan, node, true, err));
    RT_TRY(weight_gradient(plan, node, false, err));
    plan->emit_side = plan->emit_fork = false;
    return RT_OK;
}

const struct rt_cuda_op rt_cuda_op_conv = {
    .op = &rt_op_conv, .forward = product_forward, .backward = product_backward};
const struct rt_cuda_op rt_cuda_op_linear = {
    .op = &rt_op_linear, .forward = product_forward, .backward = product_backward};
