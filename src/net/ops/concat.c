/* concat: two inputs along channels, the first input's channels first. */
#include <limits.h>

#include "net/layers.h"
#include "net/ops.h"

static int concat_infer(struct rt_graph *graph, struct rt_node *node, struct rt_error *err)
{
    const struct rt_shape a = rt_node_input(graph, node, 0)->shape, b = rt_node_input(graph, node, 1)->shape;
    char label[RT_LABEL_MAX];

    if (a.height != b.height || a.width != b.width || a.channels > INT_MAX - b.channels)
        return rt_fail(err, RT_ECONFIG,
                       "%s: inputs of %d x %d x %d and %d x %d x %d; expected equal heights and "
                       "widths",
                       rt_node_label(node, label), a.channels, a.height, a.width, b.channels, b.height,
                       b.width);
    node->shape = (struct rt_shape){a.channels + b.channels, a.height, a.width};
    return RT_OK;
}

const struct rt_op rt_op_concat = {.name = "concat", .inputs = 2, .infer = concat_infer};

int rt_concat(struct rt_graph *graph, int a, int b)
{
    return rt_graph_add(graph, &rt_op_concat, "", (int[]){a, b}, (struct rt_attributes){0});
}
