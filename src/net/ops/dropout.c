/* dropout: in training y = x / (1 - rate) where the mask of net/dropout.h keeps a value, else 0; in evaluation
 * y = x (Srivastava et al. 2014). */
#include "net/layers.h"
#include "net/ops.h"

static int dropout_infer(struct rt_graph *graph, struct rt_node *node, struct rt_error *err)
{
    const float rate = node->attributes.rate;
    char label[RT_LABEL_MAX];

    if (!(rate >= 0 && rate < 1))
        return rt_fail(err, RT_ECONFIG, "%s: rate %g, expected 0 or more and less than 1",
                       rt_node_label(node, label), (double)rate);
    node->shape = rt_node_input(graph, node, 0)->shape;
    return RT_OK;
}

const struct rt_op rt_op_dropout = {.name = "dropout", .inputs = 1, .infer = dropout_infer};

int rt_dropout(struct rt_graph *graph, int x, float rate)
{
    if (rate == 0)
        return x;
    return rt_graph_add(graph, &rt_op_dropout, "", &x, (struct rt_attributes){.rate = rate});
}
