/* conv: square cross-correlation with zero padding p and stride s, over all input channels (groups 1).
 * y[n,o,i,j] = b[o] + sum_{c,u,v} x[n,c,s i + u - p,s j + v - p] w[o,c,u,v] */
#include "net/layers.h"
#include "net/ops.h"

static int conv_infer(struct rt_graph *graph, struct rt_node *node, struct rt_error *err)
{
    const struct rt_attributes *a = &node->attributes;
    const struct rt_shape x = rt_node_input(graph, node, 0)->shape;
    int fan_in;
    char label[RT_LABEL_MAX];

    if (a->kernel < 1 || a->kernel > RT_KERNEL_MAX || a->stride < 1 || a->padding < 0 ||
        a->padding >= a->kernel)
        return rt_fail(err, RT_ECONFIG,
                       "%s: kernel %d, stride %d, padding %d; expected a kernel of 1..%d, a stride "
                       "of 1 or more, and a padding of 0 or more and less than the kernel",
                       rt_node_label(node, label), a->kernel, a->stride, a->padding, RT_KERNEL_MAX);
    if (x.height + 2 * a->padding < a->kernel || x.width + 2 * a->padding < a->kernel)
        return rt_fail(err, RT_ECONFIG, "%s: a kernel of %d does not fit an input of %d x %d with padding %d",
                       rt_node_label(node, label), a->kernel, x.height, x.width, a->padding);
    node->shape = (struct rt_shape){a->out_channels, (x.height + 2 * a->padding - a->kernel) / a->stride + 1,
                                    (x.width + 2 * a->padding - a->kernel) / a->stride + 1};
    fan_in =
        (int)((unsigned)x.channels * (unsigned)(a->kernel * a->kernel)); /* if too large, so is the weight */
    RT_TRY(rt_graph_add_tensor(graph, node, "weight", RT_TENSOR_WEIGHT, 4,
                               (int[]){a->out_channels, x.channels, a->kernel, a->kernel}, fan_in, err));
    if (!a->bias)
        return RT_OK;
    return rt_graph_add_tensor(graph, node, "bias", RT_TENSOR_BIAS, 1, &a->out_channels, fan_in, err);
}

static uint64_t conv_multiply_adds(const struct rt_graph *graph, const struct rt_node *node)
{
    const uint64_t area = (uint64_t)node->attributes.kernel * (uint64_t)node->attributes.kernel;

    return (uint64_t)rt_shape_count(node->shape) * (uint64_t)rt_node_input(graph, node, 0)->shape.channels *
           area;
}

const struct rt_op rt_op_conv = {
    .name = "conv", .inputs = 1, .infer = conv_infer, .multiply_adds = conv_multiply_adds};

int rt_conv(struct rt_graph *graph, int x, const char *name, struct rt_conv_options options)
{
    return rt_graph_add(graph, &rt_op_conv, name, &x,
                        (struct rt_attributes){.out_channels = options.out,
                                               .kernel = options.kernel,
                                               .stride = options.stride ? options.stride : 1,
                                               .padding = options.padding,
                                               .bias = options.bias});
}
