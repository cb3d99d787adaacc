/* softmax_cross_entropy: for each image of label t, y = log(sum_j exp(x[j])) - x[t]. The loss that is
 * differentiated is the mean of y over the batch. */
#include "net/layers.h"
#include "net/ops.h"

enum { CLASSES_MAX = 256 }; /* labels are bytes */

static int softmax_cross_entropy_infer(struct rt_graph *graph, struct rt_node *node, struct rt_error *err)
{
    const struct rt_shape x = rt_node_input(graph, node, 0)->shape;
    char label[RT_LABEL_MAX];

    if (x.height != 1 || x.width != 1 || x.channels < 2 || x.channels > CLASSES_MAX)
        return rt_fail(err, RT_ECONFIG, "%s: logits of %d x %d x %d; expected a vector of 2..%d classes",
                       rt_node_label(node, label), x.channels, x.height, x.width, CLASSES_MAX);
    node->shape = (struct rt_shape){1, 1, 1};
    return RT_OK;
}

const struct rt_op rt_op_softmax_cross_entropy = {
    .name = "softmax_cross_entropy", .inputs = 1, .infer = softmax_cross_entropy_infer};

int rt_softmax_cross_entropy(struct rt_graph *graph, int logits)
{
    return rt_graph_add(graph, &rt_op_softmax_cross_entropy, "", &logits, (struct rt_attributes){0});
}
