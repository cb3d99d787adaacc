/* Tensors in and out: PyTorch's layout outside, packed panels inside. */
#include "engine/native/native.h"
#include "net/ops.h"

static size_t place(const struct rt_native *plan, int tensor, size_t i)
{
    const struct rt_stage *stage = &plan->stages[plan->slots[tensor].stage];

    return plan->slots[tensor].offset +
           (stage->kernel->place ? stage->kernel->place(plan, stage, &plan->base.graph->tensors[tensor], i)
                                 : i);
}

static float *vector_of(const struct rt_native *plan, enum rt_state state)
{
    switch (state) {
    case RT_STATE_TENSOR:
        return plan->parameters;
    case RT_STATE_MOMENTUM:
        return plan->momentum;
    case RT_STATE_GRADIENT:
        return plan->gradients;
    }
    return NULL;
}

void rt_native_import(struct rt_plan *base, enum rt_state state, int tensor, const void *values)
{
    struct rt_native *plan = (struct rt_native *)base;
    const float *from = values;
    float *vector = vector_of(plan, state);

    if (base->graph->tensors[tensor].role == RT_TENSOR_BATCHES) {
        plan->batches[tensor] = *(const int64_t *)values;
        return;
    }
    for (size_t i = 0; vector && i < base->graph->tensors[tensor].count; i++)
        vector[place(plan, tensor, i)] = from[i];
}

void rt_native_export(const struct rt_plan *base, enum rt_state state, int tensor, void *values)
{
    const struct rt_native *plan = (const struct rt_native *)base;
    const float *vector = vector_of(plan, state);
    float *to = values;

    if (base->graph->tensors[tensor].role == RT_TENSOR_BATCHES) {
        *(int64_t *)values = plan->batches[tensor];
        return;
    }
    for (size_t i = 0; i < base->graph->tensors[tensor].count; i++)
        to[i] = vector ? vector[place(plan, tensor, i)] : 0.0f;
}

size_t rt_native_memory_bytes(const struct rt_plan *base)
{
    const struct rt_native *plan = (const struct rt_native *)base;
    const size_t threads = (size_t)rt_team_size(base->options.team);
    size_t floats =
        plan->arena_floats + plan->persistent_floats + threads * plan->scratch_floats + plan->shared_floats;

    if (!plan->borrowed)
        floats += plan->parameter_floats * (base->options.training ? 3 : 1);
    return floats * sizeof(float);
}

static const char *native_isa(const struct rt_plan *base)
{
    return ((const struct rt_native *)base)->isa->name;
}

bool rt_native_profile(const struct rt_plan *base, int index, struct rt_stage_time *time)
{
    const struct rt_native *plan = (const struct rt_native *)base;
    const struct rt_stage *stage = &plan->stages[index];

    if (index < 0 || index >= plan->stage_count)
        return false;
    *time = (struct rt_stage_time){
        .node = stage->node,
        .forward_s = stage->forward_s,
        .backward_s = stage->backward_s,
        .multiply_adds = stage->node->op->multiply_adds
                             ? stage->images * stage->node->op->multiply_adds(base->graph, stage->node)
                             : 0};
    return true;
}

const struct rt_engine rt_engine_native = {
    .name = "native",
    .help = "packed micro-kernels in vector types, for this processor's instruction set",
    .real_size = sizeof(float),
    .create = rt_native_create,
    .free = rt_native_free,
    .import = rt_native_import,
    .export = rt_native_export,
    .train = rt_native_train,
    .evaluate = rt_native_evaluate,
    .probe = rt_native_probe,
    .memory_bytes = rt_native_memory_bytes,
    .isa = native_isa,
    .profile = rt_native_profile,
};
