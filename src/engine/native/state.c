/* Tensors in and out: PyTorch's layout outside, packed panels inside. */
#include "engine/native/entries.h"
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
    if (state == RT_STATE_TENSOR)
        return plan->parameters;
    if (state == RT_STATE_GRADIENT)
        return plan->gradients;
    return plan->states + (size_t)(state - RT_STATE_OPTIMIZER) * plan->parameter_floats;
}

int rt_native_write(struct rt_plan *base, enum rt_state state, int tensor, const void *values,
                    struct rt_error *err)
{
    struct rt_native *plan = (struct rt_native *)base;
    float *vector = vector_of(plan, state);
    const float *from = values;

    (void)err;
    if (base->graph->tensors[tensor].role == RT_TENSOR_BATCHES) {
        plan->batches[tensor] = *(const int64_t *)values;
        return RT_OK;
    }
    for (size_t i = 0; i < base->graph->tensors[tensor].count; i++)
        vector[place(plan, tensor, i)] = from[i];
    return RT_OK;
}

int rt_native_read(struct rt_plan *base, enum rt_state state, int tensor, void *values, struct rt_error *err)
{
    const struct rt_native *plan = (const struct rt_native *)base;
    const float *vector = vector_of(plan, state);
    float *to = values;

    (void)err;
    if (base->graph->tensors[tensor].role == RT_TENSOR_BATCHES) {
        *(int64_t *)values = plan->batches[tensor];
        return RT_OK;
    }
    for (size_t i = 0; i < base->graph->tensors[tensor].count; i++)
        to[i] = vector[place(plan, tensor, i)];
    return RT_OK;
}

size_t rt_native_memory_bytes(const struct rt_plan *base)
{
    const struct rt_native *plan = (const struct rt_native *)base;
    const size_t threads = (size_t)rt_team_size(plan->host.team);
    size_t floats =
        plan->arena_floats + plan->persistent_floats + threads * plan->scratch_floats + plan->shared_floats;

    if (!plan->borrowed)
        floats += plan->parameter_floats *
                  (base->options.training ? 2 + (size_t)base->options.optimizer->state_count : 1);
    return floats * sizeof(float) + rt_host_memory_bytes(&plan->host);
}

static int native_open(struct rt_device **device, const struct rt_device_options *options, struct rt_error *err)
{
    const struct rt_isa *isa;

    RT_TRY(rt_isa_choose(&isa, err));
    RT_TRY(rt_host_open(device, sizeof(struct rt_native_device), options, err));
    ((struct rt_native_device *)*device)->isa = isa;
    return RT_OK;
}

static const char *native_target(const struct rt_device *device)
{
    return ((const struct rt_native_device *)device)->isa->name;
}

bool rt_native_profile(const struct rt_plan *base, int index, struct rt_stage_time *time)
{
    const struct rt_native *plan = (const struct rt_native *)base;
    const struct rt_stage *stage;

    if (index >= plan->stage_count)
        return false;
    stage = &plan->stages[index];
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
    .device = "cpu",
    .real_size = sizeof(float),
    .precisions = 1u << RT_PRECISION_FP32,
    .precision = RT_PRECISION_FP32,
    .count = rt_host_count,
    .open = native_open,
    .close = rt_host_close,
    .store = rt_host_store,
    .drop = rt_host_drop,
    .create = rt_native_create,
    .free = rt_native_free,
    .begin = rt_host_begin,
    .advance = rt_host_advance,
    .collect = rt_host_collect,
    .write = rt_native_write,
    .read = rt_native_read,
    .probe = rt_native_probe,
    .stride = rt_host_stride,
    .memory_bytes = rt_native_memory_bytes,
    .target = native_target,
    .profile = rt_native_profile,
};
