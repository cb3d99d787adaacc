#include "train/flops.h"

/* Does the loss's gradient by this node's output serve any parameter: one of its own or of a node before? */
static bool leads_to_parameters(const struct rt_graph *graph, int id)
{
    const struct rt_node *node = &graph->nodes[id];

    if (node->tensor_count)
        return true;
    for (int i = 0; i < node->op->inputs; i++)
        if (leads_to_parameters(graph, node->inputs[i]))
            return true;
    return false;
}

int rt_flops_passes(const struct rt_graph *graph, const struct rt_node *node)
{
    return leads_to_parameters(graph, node->inputs[0]) ? 3 : 2;
}

double rt_flops_forward(const struct rt_graph *graph)
{
    return 2 * (double)rt_graph_multiply_adds(graph);
}

double rt_flops_training(const struct rt_graph *graph)
{
    double flops = 0;

    for (int id = 0; id < graph->node_count; id++) {
        const struct rt_node *node = &graph->nodes[id];

        if (node->op->multiply_adds)
            flops += 2.0 * rt_flops_passes(graph, node) * (double)node->op->multiply_adds(graph, node);
    }
    return flops;
}
