/* Lowers a graph to a list of launches: fuses ReLUs, assigns views and buffers, and emits each op's forward and
 * backward kernels in order. */
#include <limits.h>
#include <string.h>

#include "base/memory.h"
#include "engine/cuda/cuda.h"
#include "net/ops.h"

#define RT_CUDA_OP_ADDRESS(name) &rt_cuda_op_##name,
static const struct rt_cuda_op *const ops[] = {RT_OPS(RT_CUDA_OP_ADDRESS)};
#undef RT_CUDA_OP_ADDRESS

/* Whether the node has consumers and all are of `op`. */
static bool read_only_by(const struct rt_graph *graph, const struct rt_node *node, const struct rt_op *op)
{
    int count = 0;

    for (int i = node->id + 1; i < graph->node_count; i++)
        for (int k = 0; k < graph->nodes[i].op->inputs; k++)
            if (graph->nodes[i].inputs[k] == node->id) {
                if (graph->nodes[i].op != op)
                    return false;
                count++;
            }
    return count > 0;
}

/* Finds aliasing flattens, fused ReLUs, and maps that linear layers read. */
static void find_fusions(struct rt_cuda_plan *plan)
{
    const struct rt_graph *graph = plan->base.graph;

    for (int i = 0; i < graph->node_count; i++) {
        const struct rt_node *node = &graph->nodes[i];
        struct rt_cuda_value *value = &plan->values[i];

        value->producer = -1;
        if (node->op == &rt_op_flatten) {
            const struct rt_shape in = rt_node_input(graph, node, 0)->shape;

            value->alias = in.height * in.width == 1 || read_only_by(graph, node, &rt_op_linear);
        }
        if (node->op == &rt_op_relu) {
            const struct rt_node *from = rt_node_input(graph, node, 0);

            if (from->consumers == 1 &&
                (from->op == &rt_op_conv || from->op == &rt_op_linear || from->op == &rt_op_batch_norm)) {
                value->producer = from->id;
                plan->values[from->id].relu_fused = true;
            }
        }
        for (int k = 0; k < node->op->inputs; k++)
            if (!value->alias)
                rt_cuda_input(plan, node, k)->consumers++;
        if (node->op == &rt_op_linear) {
            const struct rt_node *from = rt_cuda_source(plan, node, 0);

            plan->values[from->id].dense = from->shape.height * from->shape.width > 1;
        }
    }
}

static int check_size(const struct rt_cuda_plan *plan, const struct rt_node *node, struct rt_error *err)
{
    const int batch = plan->base.options.batch_max;
    char label[RT_LABEL_MAX];

    if ((rt_shape_count(node->shape) + 3 * (size_t)(node->shape.height * node->shape.width)) >
        (size_t)(INT_MAX / batch))
        return rt_fail(err, RT_ECONFIG,
                       "batch_size: %d images of %s are 2^31 values or more; use smaller batches", batch,
                       rt_node_label(node, label));
    return RT_OK;
}

static struct rt_cuda_view own_view(struct rt_cuda_plan *plan, const struct rt_node *node, int ld)
{
    const size_t elements = rt_cuda_pixels(plan, node) * (size_t)ld;

    return (struct rt_cuda_view){rt_cuda_reserve(plan, elements * rt_cuda_element_bytes(plan)), ld, 0};
}

/* An input that only convolutions read is padded to a multiple of four channels, for vector loads. */
static int natural_ld(const struct rt_cuda_plan *plan, const struct rt_node *node)
{
    const int channels = node->shape.channels;

    if (node->op == &rt_op_input && read_only_by(plan->base.graph, node, &rt_op_conv))
        return (channels + 3) / 4 * 4;
    return channels;
}

/* Makes a concatenation's inputs views into it, unless their layout is fixed otherwise. */
static void place_inputs(struct rt_cuda_plan *plan, const struct rt_node *node)
{
    const struct rt_graph *graph = plan->base.graph;
    const struct rt_cuda_value *whole = &plan->values[node->id];

    for (int k = 0, channel = 0; k < 2; channel += rt_node_input(graph, node, k++)->shape.channels) {
        struct rt_cuda_value *part = &plan->values[node->inputs[k]];

        if (graph->nodes[node->inputs[k]].op == &rt_op_input || part->alias || part->placed || part->dense)
            continue;
        part->placed = true;
        part->data = rt_cuda_part(plan, whole->data, channel);
    }
}

/* Whether the value's gradient is masked in place, by a ReLU fused into a convolution or linear layer. */
static bool masks_in_place(const struct rt_cuda_plan *plan, const struct rt_cuda_value *value)
{
    return value->producer >= 0 && plan->base.graph->nodes[value->producer].op != &rt_op_batch_norm;
}

/* A sum's gradient is that of each input, which aliases it where the sum is its only consumer. */
static void share_sum(struct rt_cuda_plan *plan, const struct rt_node *node)
{
    const struct rt_cuda_value *whole = &plan->values[node->id];

    for (int k = 0; k < 2; k++) {
        struct rt_cuda_value *part = &plan->values[node->inputs[k]];

        if (part->alias || part->dense || part->consumers != 1 || !part->needs_gradient ||
            masks_in_place(plan, part))
            continue;
        part->shared = part->common = true;
        part->gradient = whole->gradient;
    }
}

/* The gradient of a concatenation's input is a view into the concatenation's where that is its only consumer.
 */
static void share_gradients(struct rt_cuda_plan *plan, const struct rt_node *node)
{
    const struct rt_graph *graph = plan->base.graph;
    const struct rt_cuda_value *whole = &plan->values[node->id];

    for (int k = 0, channel = 0; k < 2; channel += rt_node_input(graph, node, k++)->shape.channels) {
        struct rt_cuda_value *part = &plan->values[node->inputs[k]];

        if (part->alias || part->dense || part->consumers != 1 || !part->needs_gradient ||
            (whole->common && masks_in_place(plan, part)))
            continue;
        part->shared = true;
        part->common = whole->common;
        part->gradient = rt_cuda_part(plan, whole->gradient, channel);
    }
}

/* Whether the gradient by the node's output is needed: for its own parameters, or those before it. */
static bool wants_gradient(const struct rt_cuda_plan *plan, const struct rt_node *node)
{
    if (!plan->base.options.training || node->op == &rt_op_softmax_cross_entropy)
        return false;
    if (node->op == &rt_op_input)
        return plan->base.options.input_gradient;
    for (int i = 0; i < node->op->inputs; i++)
        if (plan->values[node->inputs[i]].needs_gradient)
            return true;
    return node->tensor_count > 0 || node->id == plan->base.graph->node_count - 1;
}

static void place_values(struct rt_cuda_plan *plan)
{
    const struct rt_graph *graph = plan->base.graph;

    for (int i = 0; i < graph->node_count; i++)
        plan->values[i].needs_gradient = wants_gradient(plan, &graph->nodes[i]);
    for (int i = graph->node_count - 1; i >= 0; i--) {
        const struct rt_node *node = &graph->nodes[i];
        struct rt_cuda_value *value = &plan->values[i];

        if (value->alias || value->relu_fused || node->op == &rt_op_softmax_cross_entropy)
            continue;
        if (!value->placed)
            value->data = own_view(plan, node, natural_ld(plan, node));
        if (value->needs_gradient && !value->shared)
            value->gradient = own_view(plan, node, natural_ld(plan, node));
        if (node->op == &rt_op_concat) {
            place_inputs(plan, node);
            if (value->needs_gradient)
                share_gradients(plan, node);
        }
        if (node->op == &rt_op_add && value->needs_gradient)
            share_sum(plan, node);
        if (value->producer >= 0) {
            plan->values[value->producer].data = value->data;
            plan->values[value->producer].gradient = value->gradient;
        }
    }
}

/* ---- launches ---- */

static int find_op(const struct rt_cuda_op **out, const struct rt_node *node, struct rt_error *err)
{
    char label[RT_LABEL_MAX];

    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++)
        if (ops[i]->op == node->op) {
            *out = ops[i];
            return RT_OK;
        }
    return rt_fail(err, RT_ECONFIG, "engine cuda has no kernel for %s", rt_node_label(node, label));
}

static struct rt_cuda_kernel planes(const struct rt_cuda_plan *plan, const char *entry,
                                    const struct rt_node *node, int ld)
{
    const struct rt_shape s = node->shape;
    struct rt_cuda_kernel kernel = rt_cuda_flat("gather.cu", entry, (size_t)(s.height * s.width * ld));

    kernel.grid[1] = (unsigned)plan->base.options.batch_max;
    rt_cuda_option(&kernel, "CHANNELS", s.channels);
    rt_cuda_option(&kernel, "HEIGHT", s.height);
    rt_cuda_option(&kernel, "WIDTH", s.width);
    rt_cuda_option(&kernel, "LD", ld);
    return kernel;
}

/* Converts between a view and a probe's NCHW values at probe_x (x, then dx) or probe_y (y, then dy). */
static int emit_probe(struct rt_cuda_plan *plan, unsigned mode, const char *entry, const struct rt_node *node,
                      struct rt_cuda_view view, size_t values, struct rt_error *err)
{
    const struct rt_cuda_kernel kernel = planes(plan, entry, node, view.ld);
    const struct rt_cuda_argument stride = rt_cuda_absolute(rt_shape_count(node->shape));

    if (!strcmp(entry, "from_planes"))
        return RT_CUDA_EMIT(plan, node, mode, &kernel, err, rt_cuda_pass_argument(plan), rt_cuda_at(values),
                            stride, rt_cuda_at(view.offset), rt_cuda_absolute(0));
    return RT_CUDA_EMIT(plan, node, mode, &kernel, err, rt_cuda_pass_argument(plan), rt_cuda_at(view.offset),
                        rt_cuda_at(values), stride);
}

/* The node whose values a probe reads: the last, seen through aliasing flattens. */
static const struct rt_node *last_node(const struct rt_cuda_plan *plan)
{
    const struct rt_node *node = &plan->base.graph->nodes[plan->base.graph->node_count - 1];

    while (plan->values[node->id].alias)
        node = rt_node_input(plan->base.graph, node, 0);
    return node;
}

static int emit_forward(struct rt_cuda_plan *plan, struct rt_error *err)
{
    const struct rt_graph *graph = plan->base.graph;
    const struct rt_node *input = &graph->nodes[0], *last = last_node(plan);
    const struct rt_cuda_op *op = NULL;

    RT_TRY(emit_probe(plan, RT_CUDA_PROBE_IN, "from_planes", input, plan->values[0].data, plan->probe_x, err));
    for (int i = 0; i < graph->node_count; i++) {
        RT_TRY(find_op(&op, &graph->nodes[i], err));
        RT_TRY(op->forward(plan, &graph->nodes[i], err));
    }
    if (last->op == &rt_op_softmax_cross_entropy)
        return RT_OK;
    return emit_probe(plan, RT_CUDA_PROBE_OUT, "to_planes", last, plan->values[last->id].data, plan->probe_y,
                      err);
}

static int emit_backward(struct rt_cuda_plan *plan, struct rt_error *err)
{
    const struct rt_graph *graph = plan->base.graph;
    const struct rt_node *last = last_node(plan);
    const struct rt_cuda_op *op = NULL;

    if (last->op != &rt_op_softmax_cross_entropy) {
        plan->values[last->id].written++;
        RT_TRY(emit_probe(plan, RT_CUDA_PROBE_BACK, "from_planes", last, plan->values[last->id].gradient,
                          plan->probe_y, err));
    }
    for (int i = graph->node_count - 1; i > 0; i--) {
        const struct rt_node *node = &graph->nodes[i];

        RT_TRY(find_op(&op, node, err));
        if (!op->backward || plan->values[i].alias || !plan->values[i].needs_gradient)
            continue;
        RT_TRY(rt_cuda_settle(plan, node, err));
        for (int k = 0; k < node->op->inputs && node->op != &rt_op_batch_norm;
             k++) /* which adds it in its own kernel */
            RT_TRY(rt_cuda_settle(plan, rt_cuda_source(plan, node, k), err));
        RT_TRY(op->backward(plan, node, err));
    }
    if (plan->base.options.input_gradient)
        return emit_probe(plan, RT_CUDA_PROBE_DX, "to_planes", &graph->nodes[0], plan->values[0].gradient,
                          plan->probe_x, err);
    return RT_OK;
}

int rt_cuda_build(struct rt_cuda_plan *plan, struct rt_error *err)
{
    const struct rt_graph *graph = plan->base.graph;
    const size_t batch = (size_t)plan->base.options.batch_max;
    const struct rt_node *last;

    plan->bytes = 256; /* offset 0 means none */
    RT_TRY(rt_alloc(&plan->values, (size_t)graph->node_count, sizeof *plan->values, "a plan's values", err));
    RT_TRY(rt_alloc(&plan->buffers, (size_t)graph->node_count * RT_CUDA_BUFFERS, sizeof *plan->buffers,
                    "a plan's buffers", err));
    for (int i = 0; i < graph->node_count; i++)
        RT_TRY(check_size(plan, &graph->nodes[i], err));
    find_fusions(plan);
    last = last_node(plan);
    plan->pass_offset = rt_cuda_reserve_lasting(plan, sizeof(struct rt_cuda_pass));
    plan->labels = rt_cuda_reserve_lasting(plan, batch);
    plan->order = rt_cuda_reserve_lasting(plan, plan->base.options.pass_max * sizeof(uint32_t));
    plan->crops = rt_cuda_reserve_lasting(plan, plan->base.options.pass_max * sizeof(struct rt_cuda_crop));
    plan->probe_x =
        rt_cuda_reserve_lasting(plan, batch * rt_shape_count(graph->nodes[0].shape) * sizeof(float));
    plan->probe_y = rt_cuda_reserve_lasting(plan, batch * rt_shape_count(last->shape) * sizeof(float));
    plan->tickets =
        rt_cuda_reserve_lasting(plan, (size_t)graph->node_count * RT_CUDA_TICKETS * sizeof(uint32_t));
    place_values(plan);
    RT_TRY(emit_forward(plan, err));
    if (plan->base.options.training)
        RT_TRY(emit_backward(plan, err));
    RT_TRY(rt_cuda_share_memory(plan, err));
    for (int side = 0; side < 2; side++)
        plan->scratch[side] = rt_cuda_reserve_lasting(plan, plan->scratch_bytes[side]);
    return RT_OK;
}
