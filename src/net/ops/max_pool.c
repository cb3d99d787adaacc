/* max_pool: the largest value of each square window; padding is never chosen, the first of equals is, and a
 * NaN wins. Output floor((size + 2 padding - kernel) / stride) + 1. */
#include "net/layers.h"
#include "net/ops.h"

static int max_pool_infer(struct rt_graph *graph, struct rt_node *node, struct rt_error *err)
{
    const struct rt_attributes *a = &node->attributes;
    const struct rt_shape x = rt_node_input(graph, node, 0)->shape;
    char label[RT_LABEL_MAX];

    /* a padding of at most half the kernel leaves an image value in every window */
    if (a->kernel < 1 || a->kernel > RT_KERNEL_MAX || a->stride < 1 || a->padding < 0 ||
        a->padding > a->kernel / 2)
        return rt_fail(err, RT_ECONFIG,
                       "%s: kernel %d, stride %d, padding %d; expected a kernel of 1..%d, a stride "
                       "of 1 or more, and a padding of 0 or more and at most half the kernel",
                       rt_node_label(node, label), a->kernel, a->stride, a->padding, RT_KERNEL_MAX);
    if (x.height + 2 * a->padding < a->kernel || x.width + 2 * a->padding < a->kernel)
        return rt_fail(err, RT_ECONFIG, "%s: a window of %d does not fit an input of %d x %d with padding %d",
                       rt_node_label(node, label), a->kernel, x.height, x.width, a->padding);
    node->shape = (struct rt_shape){x.channels, (x.height + 2 * a->padding - a->kernel) / a->stride + 1,
                                    (x.width + 2 * a->padding - a->kernel) / a->stride + 1};
    return RT_OK;
}

const struct rt_op rt_op_max_pool = {.name = "max_pool", .inputs = 1, .infer = max_pool_infer};

int rt_max_pool(struct rt_graph *graph, int x, int kernel, int stride, int padding)
{
    return rt_graph_add(graph, &rt_op_max_pool, "", &x,
                        (struct rt_attributes){.kernel = kernel, .stride = stride, .padding = padding});
}
