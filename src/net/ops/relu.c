/* relu: y = max(x, 0); NaN stays NaN. */
#include "net/layers.h"
#include "net/ops.h"

static int relu_infer(struct rt_graph *graph, struct rt_node *node, struct rt_error *err)
{
    (void)err;
    node->shape = rt_node_input(graph, node, 0)->shape;
    return RT_OK;
}

const struct rt_op rt_op_relu = {.name = "relu", .inputs = 1, .infer = relu_infer};

int rt_relu(struct rt_graph *graph, int x)
{
    return rt_graph_add(graph, &rt_op_relu, "", &x, (struct rt_attributes){0});
}
