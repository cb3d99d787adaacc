/* avg_pool: adaptive average pooling to size x size: output i is the mean of rows floor(i * in / size) to
 * ceil((i + 1) * in / size), likewise columns; size 1 is the global average. */
#include "net/layers.h"
#include "net/ops.h"

static int avg_pool_infer(struct rt_graph *graph, struct rt_node *node, struct rt_error *err)
{
    const int size = node->attributes.size;
    const struct rt_shape x = rt_node_input(graph, node, 0)->shape;
    char label[RT_LABEL_MAX];

    if (size < 1 || size > x.height || size > x.width)
        return rt_fail(err, RT_ECONFIG,
                       "%s: an output of %d x %d from an input of %d x %d; expected 1 or more and "
                       "no more than the input",
                       rt_node_label(node, label), size, size, x.height, x.width);
    node->shape = (struct rt_shape){x.channels, size, size};
    return RT_OK;
}

const struct rt_op rt_op_avg_pool = {.name = "avg_pool", .inputs = 1, .infer = avg_pool_infer};

int rt_avg_pool(struct rt_graph *graph, int x, int size)
{
    return rt_graph_add(graph, &rt_op_avg_pool, "", &x, (struct rt_attributes){.size = size});
}
