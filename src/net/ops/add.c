/* add: the sum of two inputs of one shape (a residual connection). */
#include "net/layers.h"
#include "net/ops.h"

static int add_infer(struct rt_graph *graph, struct rt_node *node, struct rt_error *err)
{
    const struct rt_shape a = rt_node_input(graph, node, 0)->shape, b = rt_node_input(graph, node, 1)->shape;
    char label[RT_LABEL_MAX];

    if (a.channels != b.channels || a.height != b.height || a.width != b.width)
        return rt_fail(err, RT_ECONFIG, "%s: inputs of %d x %d x %d and %d x %d x %d; expected equal shapes",
                       rt_node_label(node, label), a.channels, a.height, a.width, b.channels, b.height,
                       b.width);
    node->shape = a;
    return RT_OK;
}

const struct rt_op rt_op_add = {.name = "add", .inputs = 2, .infer = add_infer};

int rt_add(struct rt_graph *graph, int a, int b)
{
    return rt_graph_add(graph, &rt_op_add, "", (int[]){a, b}, (struct rt_attributes){0});
}
