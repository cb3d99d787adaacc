#include "engine/engine.h"

#include <string.h>

#include "base/memory.h"

#define RT_ENGINE_ADDRESS(name) &rt_engine_##name,
const struct rt_engine *const rt_engines[] = {RT_ENGINES(RT_ENGINE_ADDRESS) NULL};
#undef RT_ENGINE_ADDRESS

const struct rt_engine *rt_engine_find(const char *name)
{
    for (size_t i = 0; rt_engines[i]; i++)
        if (!strcmp(rt_engines[i]->name, name))
            return rt_engines[i];
    return NULL;
}

int rt_plan_create(struct rt_plan **plan, const struct rt_engine *engine, const struct rt_graph *graph,
                   const struct rt_plan_options *options, struct rt_error *err)
{
    *plan = NULL;
    if (options->batch_max < 1)
        return rt_fail(err, RT_ECONFIG, "batch_size: %d, expected 1 or more", options->batch_max);
    return engine->create(plan, graph, options, err);
}

void rt_plan_free(struct rt_plan **plan)
{
    if (*plan)
        (*plan)->engine->free(*plan);
    *plan = NULL;
}

void rt_plan_import(struct rt_plan *plan, enum rt_state state, int tensor, const void *values)
{
    plan->engine->import(plan, state, tensor, values);
}

void rt_plan_export(const struct rt_plan *plan, enum rt_state state, int tensor, void *values)
{
    plan->engine->export(plan, state, tensor, values);
}

void rt_plan_train(struct rt_plan *plan, const struct rt_batch *batch, const struct rt_sgd *sgd,
                   struct rt_metrics *metrics)
{
    plan->engine->train(plan, batch, sgd, metrics);
}

void rt_plan_differentiate(struct rt_plan *plan, const struct rt_batch *batch, struct rt_metrics *metrics)
{
    plan->engine->train(plan, batch, NULL, metrics);
}

void rt_plan_evaluate(struct rt_plan *plan, const struct rt_batch *batch, struct rt_metrics *metrics,
                      uint8_t *predictions)
{
    plan->engine->evaluate(plan, batch, metrics, predictions);
}

void rt_plan_probe(struct rt_plan *plan, const void *x, int count, void *y, const void *dy, void *dx)
{
    plan->engine->probe(plan, x, count, y, dy, dx);
}

bool rt_plan_profile(const struct rt_plan *plan, int index, struct rt_stage_time *time)
{
    return plan->engine->profile && plan->options.profile && plan->engine->profile(plan, index, time);
}

size_t rt_plan_memory_bytes(const struct rt_plan *plan)
{
    return plan->engine->memory_bytes(plan);
}

const char *rt_plan_isa(const struct rt_plan *plan)
{
    return plan->engine->isa ? plan->engine->isa(plan) : "portable";
}

struct initializer {
    struct rt_plan *plan;
    void *reals; /* room for the largest tensor */
};

static void import_tensor(void *context, int tensor, const float *values)
{
    const struct initializer *init = context;
    const size_t count = init->plan->graph->tensors[tensor].count;

    if (init->plan->engine->real_size == sizeof(float)) {
        memcpy(init->reals, values, count * sizeof *values);
    } else {
        double *wide = init->reals;

        for (size_t i = 0; i < count; i++)
            wide[i] = (double)values[i];
    }
    rt_plan_import(init->plan, RT_STATE_TENSOR, tensor, init->reals);
    if (init->plan->options.training && rt_tensor_is_parameter(init->plan->graph->tensors[tensor].role)) {
        memset(init->reals, 0, count * init->plan->engine->real_size);
        rt_plan_import(init->plan, RT_STATE_MOMENTUM, tensor, init->reals);
    }
}

int rt_plan_initialize(struct rt_plan *plan, uint32_t seed, struct rt_error *err)
{
    struct initializer init = {.plan = plan};
    const int64_t none = 0;
    size_t largest = 1;
    int rc;

    for (int i = 0; i < plan->graph->tensor_count; i++)
        if (plan->graph->tensors[i].count > largest)
            largest = plan->graph->tensors[i].count;
    RT_TRY(rt_alloc(&init.reals, largest, sizeof(double), "initial weights", err));
    rc = rt_graph_initialize(plan->graph, seed, import_tensor, &init, err);
    for (int i = 0; i < plan->graph->tensor_count && !rc; i++)
        if (plan->graph->tensors[i].role == RT_TENSOR_BATCHES)
            rt_plan_import(plan, RT_STATE_TENSOR, i, &none);
    rt_free(&init.reals);
    return rc;
}
