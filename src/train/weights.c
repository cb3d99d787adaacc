#include "train/weights.h"

#include "base/memory.h"

int rt_weights_show(struct rt_plan *plan, struct rt_recorders *recorders, int epoch, struct rt_error *err)
{
    const struct rt_graph *graph = plan->graph;
    struct rt_layer_values *layers = NULL;
    float *values = NULL, *next;
    size_t total = 0;
    int count = 0, rc;

    for (int i = 0; i < graph->tensor_count; i++)
        total += rt_tensor_is_parameter(graph->tensors[i].role) ? graph->tensors[i].count : 0;
    if ((rc = rt_alloc(&layers, (size_t)graph->tensor_count, sizeof *layers, "a list of layers", err)) ||
        (rc = rt_alloc(&values, total, sizeof *values, "a copy of the weights", err)))
        goto done;
    next = values;
    for (int i = 0; i < graph->tensor_count; i++) {
        const struct rt_tensor *tensor = &graph->tensors[i];

        if (!rt_tensor_is_parameter(tensor->role))
            continue;
        if ((rc = rt_plan_read(plan, RT_STATE_TENSOR, i, next, err)))
            goto done;
        layers[count++] = (struct rt_layer_values){tensor->name, next, (int64_t)tensor->count};
        next += tensor->count;
    }
    rc = rt_recorders_weights(recorders, layers, count, epoch, err);
done:
    rt_free(&layers);
    rt_free(&values);
    return rc;
}
