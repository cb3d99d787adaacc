/* flatten: [n, c, h, w] as [n, c * h * w], in the order channel, row, column. */
#include "net/layers.h"
#include "net/ops.h"

static int flatten_infer(struct rt_graph *graph, struct rt_node *node, struct rt_error *err)
{
    (void)err;
    node->shape = (struct rt_shape){(int)rt_shape_count(rt_node_input(graph, node, 0)->shape), 1, 1};
    return RT_OK;
}

const struct rt_op rt_op_flatten = {.name = "flatten", .inputs = 1, .infer = flatten_infer};

int rt_flatten(struct rt_graph *graph, int x)
{
    return rt_graph_add(graph, &rt_op_flatten, "", &x, (struct rt_attributes){0});
}
