/* lrn: local response normalisation across channels (Krizhevsky et al. 2012, section 3.3; alpha divided by
 * the size, as PyTorch).
 * y[n,c,h,w] = x[n,c,h,w] * (k + alpha / size * sum_{|j - c| <= size / 2} x[n,j,h,w]^2)^-beta */
#include "net/layers.h"
#include "net/ops.h"

static int lrn_infer(struct rt_graph *graph, struct rt_node *node, struct rt_error *err)
{
    const struct rt_attributes *a = &node->attributes;
    char label[RT_LABEL_MAX];

    if (a->size < 1 || a->size % 2 == 0 || !(a->alpha >= 0) || !(a->k > 0))
        return rt_fail(err, RT_ECONFIG,
                       "%s: size %d, alpha %g, k %g; expected an odd size, alpha of 0 or more and k "
                       "above 0",
                       rt_node_label(node, label), a->size, (double)a->alpha, (double)a->k);
    node->shape = rt_node_input(graph, node, 0)->shape;
    return RT_OK;
}

const struct rt_op rt_op_lrn = {.name = "lrn", .inputs = 1, .infer = lrn_infer};

int rt_lrn(struct rt_graph *graph, int x, int size, float alpha, float beta, float k)
{
    return rt_graph_add(graph, &rt_op_lrn, "", &x,
                        (struct rt_attributes){.size = size, .alpha = alpha, .beta = beta, .k = k});
}
