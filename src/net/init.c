#include <math.h>

#include "base/memory.h"
#include "base/mt19937.h"
#include "net/graph.h"

static size_t largest_tensor(const struct rt_graph *graph)
{
    size_t largest = 1;

    for (int i = 0; i < graph->tensor_count; i++)
        if (graph->tensors[i].count > largest)
            largest = graph->tensors[i].count;
    return largest;
}

/* Weights and biases draw from the generator, one value an element; batch norms draw nothing. */
static void fill(const struct rt_tensor *tensor, struct rt_mt *generator, float *values)
{
    const float bound = (float)(1 / sqrt((double)tensor->fan_in));
    const bool one = tensor->role == RT_TENSOR_SCALE || tensor->role == RT_TENSOR_UNIT_SCALE ||
                     tensor->role == RT_TENSOR_RUNNING_VAR;
    const bool drawn = tensor->role == RT_TENSOR_WEIGHT || tensor->role == RT_TENSOR_BIAS;

    for (size_t i = 0; i < tensor->count; i++)
        values[i] = drawn ? rt_mt_uniform(generator, bound) : one ? 1.0F : 0.0F;
}

int rt_graph_initialize(const struct rt_graph *graph, uint32_t seed,
                        void (*sink)(void *context, int tensor, const float *values), void *context,
                        struct rt_error *err)
{
    struct rt_mt generator;
    float *values;

    RT_TRY(rt_alloc(&values, largest_tensor(graph), sizeof *values, "initial weights", err));
    rt_mt_seed(&generator, seed);
    for (int i = 0; i < graph->tensor_count; i++) {
        if (graph->tensors[i].role == RT_TENSOR_BATCHES)
            continue;
        fill(&graph->tensors[i], &generator, values);
        sink(context, i, values);
    }
    rt_free(&values);
    return RT_OK;
}
