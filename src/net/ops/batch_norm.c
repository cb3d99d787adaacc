/* batch_norm: per channel, y = (x - mean) / sqrt(variance + eps) * scale + shift (Ioffe and Szegedy 2015).
 * In training, mean and (biased) variance over batch, rows and columns, and the running ones move towards the
 * batch's mean and unbiased variance by `momentum`; in evaluation the running ones. `unscaled`: scale stays 1,
 * a buffer under the same name, so that checkpoints are read by PyTorch's module and kernels are the same. */
#include "net/layers.h"
#include "net/ops.h"

static int batch_norm_infer(struct rt_graph *graph, struct rt_node *node, struct rt_error *err)
{
    const struct rt_attributes *a = &node->attributes;
    const int *c = &node->shape.channels;
    char label[RT_LABEL_MAX];

    node->shape = rt_node_input(graph, node, 0)->shape;
    if (!(a->eps > 0) || !(a->momentum >= 0 && a->momentum <= 1))
        return rt_fail(err, RT_ECONFIG, "%s: eps %g, momentum %g; expected eps above 0 and a momentum of 0..1",
                       rt_node_label(node, label), (double)a->eps, (double)a->momentum);
    RT_TRY(rt_graph_add_tensor(graph, node, "weight", a->unscaled ? RT_TENSOR_UNIT_SCALE : RT_TENSOR_SCALE, 1,
                               c, 1, err));
    RT_TRY(rt_graph_add_tensor(graph, node, "bias", RT_TENSOR_SHIFT, 1, c, 1, err));
    RT_TRY(rt_graph_add_tensor(graph, node, "running_mean", RT_TENSOR_RUNNING_MEAN, 1, c, 1, err));
    RT_TRY(rt_graph_add_tensor(graph, node, "running_var", RT_TENSOR_RUNNING_VAR, 1, c, 1, err));
    return rt_graph_add_tensor(graph, node, "num_batches_tracked", RT_TENSOR_BATCHES, 0, NULL, 1, err);
}

/* A single value per channel has no variance: PyTorch refuses it, and so does rt_graph_check_batch. */
static int batch_norm_batch_min(const struct rt_graph *graph, const struct rt_node *node)
{
    (void)graph;
    return node->shape.height * node->shape.width == 1 ? 2 : 1;
}

const struct rt_op rt_op_batch_norm = {
    .name = "batch_norm", .inputs = 1, .infer = batch_norm_infer, .batch_min = batch_norm_batch_min};

int rt_batch_norm(struct rt_graph *graph, int x, const char *name, float eps)
{
    return rt_graph_add(graph, &rt_op_batch_norm, name, &x,
                        (struct rt_attributes){.eps = eps, .momentum = 0.1F});
}

int rt_batch_norm_unscaled(struct rt_graph *graph, int x, const char *name, float eps)
{
    return rt_graph_add(graph, &rt_op_batch_norm, name, &x,
                        (struct rt_attributes){.eps = eps, .momentum = 0.1F, .unscaled = true});
}
