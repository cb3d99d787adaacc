/* input: the images, [n, channels, height, width]. The first node, and the only one without inputs. */
#include "net/layers.h"
#include "net/ops.h"

static int input_infer(struct rt_graph *graph, struct rt_node *node, struct rt_error *err)
{
    (void)graph;
    if (node->id != 0)
        return rt_fail(err, RT_ECONFIG, "input (node %d): a network has one input, its first node", node->id);
    node->shape = node->attributes.input;
    return RT_OK;
}

const struct rt_op rt_op_input = {.name = "input", .inputs = 0, .infer = input_infer};

int rt_input(struct rt_graph *graph, int channels, int height, int width)
{
    return rt_graph_add(graph, &rt_op_input, "", NULL,
                        (struct rt_attributes){.input = {channels, height, width}});
}
