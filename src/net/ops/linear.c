/* linear: y[n,o] = b[o] + sum_i x[n,i] w[o,i], over the flattened input (channel, row, column). */
#include "net/layers.h"
#include "net/ops.h"

static int linear_infer(struct rt_graph *graph, struct rt_node *node, struct rt_error *err)
{
    const struct rt_attributes *a = &node->attributes;
    const int in = (int)rt_shape_count(rt_node_input(graph, node, 0)->shape);

    node->shape = (struct rt_shape){a->out_channels, 1, 1};
    RT_TRY(
        rt_graph_add_tensor(graph, node, "weight", RT_TENSOR_WEIGHT, 2, (int[]){a->out_channels, in}, in, err));
    if (!a->bias)
        return RT_OK;
    return rt_graph_add_tensor(graph, node, "bias", RT_TENSOR_BIAS, 1, &a->out_channels, in, err);
}

static uint64_t linear_multiply_adds(const struct rt_graph *graph, const struct rt_node *node)
{
    return (uint64_t)rt_shape_count(rt_node_input(graph, node, 0)->shape) * (uint64_t)node->shape.channels;
}

const struct rt_op rt_op_linear = {
    .name = "linear", .inputs = 1, .infer = linear_infer, .multiply_adds = linear_multiply_adds};

int rt_linear(struct rt_graph *graph, int x, const char *name, int out)
{
    return rt_graph_add(graph, &rt_op_linear, name, &x,
                        (struct rt_attributes){.out_channels = out, .bias = true});
}
