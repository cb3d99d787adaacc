/* Planning: stages from nodes, their buffers and the engine's memory. */
#include <string.h>

#include "base/memory.h"
#include "engine/native/entries.h"
#include "engine/native/groups.h"
#include "engine/native/memory.h"
#include "engine/native/values.h"
#include "net/ops.h"

enum { ANNOUNCED_LEAST = 1 << 21 /* floats of a gradient; a smaller one is still in a cache in backward */ };

#define RT_NATIVE_KERNEL_ADDRESS(name) &rt_native_##name,
static const struct rt_native_kernel *const kernels[] = {RT_OPS(RT_NATIVE_KERNEL_ADDRESS)};
#undef RT_NATIVE_KERNEL_ADDRESS

static int find_kernels(struct rt_native *plan, struct rt_error *err)
{
    const struct rt_graph *graph = plan->base.graph;

    RT_TRY(rt_alloc(&plan->kernels, (size_t)graph->node_count, sizeof *plan->kernels, "the plan", err));
    for (int i = 0; i < graph->node_count; i++) {
        for (size_t k = 0; k < sizeof kernels / sizeof *kernels; k++)
            if (kernels[k]->op == graph->nodes[i].op)
                plan->kernels[i] = kernels[k];
        if (!plan->kernels[i])
            return rt_fail(err, RT_ECONFIG,
                           "engine native has no kernel for %s (node %d); try --engine reference",
                           graph->nodes[i].op->name, i);
    }
    return RT_OK;
}

static int plan_stage(struct rt_native *plan, const struct rt_node *node, struct rt_error *err)
{
    struct rt_stage *stage = &plan->stages[plan->stage_count];

    *stage = (struct rt_stage){
        .kernel = plan->kernels[node->id],
        .node = node,
        .index = plan->stage_count,
        .buffer = RT_NONE,
        .persistent = RT_NONE,
        .own_view = RT_NONE,
        .listeners = RT_NONE,
        .next_listener = RT_NONE,
        .out = node->id,
    };
    for (int i = 0; i < node->op->inputs; i++) {
        stage->in[i] = node->inputs[i];
        stage->wants[i] = plan->values[stage->in[i]].grad != RT_NONE;
    }
    plan->stage_count++;
    return stage->kernel->plan(plan, stage, err);
}

/* Backward runs from the last stage to the first: the first to write a gradient overwrites, later ones add. */
static void find_first_writers(struct rt_native *plan, bool *written)
{
    for (int s = plan->stage_count - 1; s >= 0; s--) {
        struct rt_stage *stage = &plan->stages[s];

        for (int i = 0; i < stage->node->op->inputs; i++) {
            int node = stage->in[i];

            stage->accumulate[i] = written[node];
            written[node] = true;
            if (plan->base.graph->nodes[node].op ==
                &rt_op_concat) { /* its parts' gradients are complete by then */
                for (int j = 0; j < 2; j++)
                    if (plan->targets[plan->base.graph->nodes[node].inputs[j]].concat == node)
                        written[plan->base.graph->nodes[node].inputs[j]] = true;
            }
        }
    }
}

/* The stage that completes the gradient of a node's output, or NULL: backward ends with the first of its
 * readers, or of those of the concatenation that it is stored in. */
static struct rt_stage *completer(struct rt_native *plan, int node)
{
    while (plan->targets[node].concat != RT_NONE) {
        if (plan->base.graph->nodes[node].consumers > 1)
            return NULL;
        node = plan->targets[node].concat;
    }
    for (int s = 0; s < plan->stage_count; s++)
        for (int i = 0; i < plan->stages[s].node->op->inputs; i++)
            if (plan->stages[s].in[i] == node)
                return &plan->stages[s];
    return NULL;
}

/* Which stage notifies which that a gradient is complete. */
static void find_announcers(struct rt_native *plan)
{
    for (int s = 0; s < plan->stage_count; s++) {
        struct rt_stage *stage = &plan->stages[s], *last = completer(plan, stage->out);
        const int in = last ? last->in[0] : RT_NONE;

        if (!stage->kernel->gradient_ready || !last || !last->kernel->announces || !last->wants[0] ||
            plan->buffers[plan->values[in].grad].floats < ANNOUNCED_LEAST)
            continue;
        stage->announced = true;
        stage->next_listener = last->listeners;
        last->listeners = s;
    }
}

static int plan_stages(struct rt_native *plan, struct rt_error *err)
{
    const struct rt_graph *graph = plan->base.graph;
    bool *written;

    rt_native_find_targets(plan);
    for (int i = 0; i < graph->node_count; i++)
        if (!plan->covered[i])
            RT_TRY(plan_stage(plan, &graph->nodes[i], err));
    RT_TRY(rt_alloc(&written, (size_t)graph->node_count, sizeof *written, "the plan", err));
    find_first_writers(plan, written);
    find_announcers(plan);
    rt_free(&written);
    return RT_OK;
}

/* A concatenation's view leaves parts without a batch norm unchanged. */
static void fill_scales(struct rt_native *plan)
{
    for (int i = 0; i < plan->base.graph->node_count; i++) {
        const struct rt_value *value = &plan->values[i];

        if (plan->base.graph->nodes[i].op == &rt_op_concat && value->scale != RT_NONE)
            for (long c = 0; c < value->channels; c++)
                plan->persistent[value->scale + c] = 1.0f;
    }
}

static int allocate(struct rt_native *plan, struct rt_error *err)
{
    const size_t threads = (size_t)rt_team_size(plan->host.team);
    struct rt_native *owner = (struct rt_native *)plan->base.options.parameters_of;
    int *order;

    RT_TRY(rt_alloc(&order, (size_t)plan->buffer_count + 1, sizeof *order, "the plan", err));
    plan->arena_floats = rt_native_place_buffers(plan->buffers, plan->buffer_count, order);
    rt_free(&order);
    RT_TRY(rt_alloc_aligned(&plan->arena, plan->arena_floats, sizeof(float), "activations", err));
    RT_TRY(rt_alloc_aligned(&plan->persistent, plan->persistent_floats, sizeof(float), "channel arrays", err));
    fill_scales(plan);
    RT_TRY(rt_alloc_aligned(&plan->scratch, threads * plan->scratch_floats, sizeof(float), "scratch", err));
    RT_TRY(rt_alloc_aligned(&plan->shared, plan->shared_floats, sizeof(float), "shared scratch", err));
    if (owner) {
        plan->borrowed = true;
        plan->parameters = owner->parameters;
        plan->batches = owner->batches;
        return RT_OK;
    }
    RT_TRY(rt_alloc_aligned(&plan->parameters, plan->parameter_floats, sizeof(float), "parameters", err));
    RT_TRY(rt_alloc(&plan->batches, (size_t)plan->base.graph->tensor_count, sizeof *plan->batches, "counters",
                    err));
    if (!plan->base.options.training)
        return RT_OK;
    RT_TRY(rt_alloc_aligned(&plan->states,
                            (size_t)plan->base.options.optimizer->state_count * plan->parameter_floats,
                            sizeof(float), "optimiser states", err));
    return rt_alloc_aligned(&plan->gradients, plan->parameter_floats, sizeof(float), "gradients", err);
}

void rt_native_free(struct rt_plan *base)
{
    struct rt_native *plan = (struct rt_native *)base;

    rt_host_plan_free(&plan->host);
    if (!plan->borrowed) {
        rt_free(&plan->parameters);
        rt_free(&plan->batches);
    }
    rt_free(&plan->states);
    rt_free(&plan->gradients);
    rt_free(&plan->arena);
    rt_free(&plan->persistent);
    rt_free(&plan->scratch);
    rt_free(&plan->shared);
    rt_free(&plan->slots);
    rt_free(&plan->buffers);
    rt_free(&plan->targets);
    rt_free(&plan->covered);
    rt_free(&plan->values);
    rt_free(&plan->order);
    rt_free(&plan->groups);
    rt_free(&plan->stages);
    rt_free(&plan->kernels);
    rt_free(&plan);
}

int rt_native_create(struct rt_plan **out, struct rt_device *device, const struct rt_graph *graph,
                     const struct rt_plan_options *options, struct rt_error *err)
{
    const size_t nodes = (size_t)graph->node_count;
    struct rt_native *plan;
    int rc;

    RT_TRY(rt_alloc(&plan, 1, sizeof *plan, "the plan", err));
    plan->isa = ((struct rt_native_device *)device)->isa;
    plan->end = 2 * graph->node_count + 1;
    if ((rc = rt_host_plan_init(&plan->host, device, graph, options, rt_native_step, err)) ||
        (rc = rt_alloc(&plan->stages, nodes, sizeof *plan->stages, "the plan", err)) ||
        (rc = rt_alloc(&plan->values, nodes, sizeof *plan->values, "the plan", err)) ||
        (rc = rt_alloc(&plan->covered, nodes, sizeof *plan->covered, "the plan", err)) ||
        (rc = rt_alloc(&plan->targets, nodes, sizeof *plan->targets, "the plan", err)) ||
        (rc = rt_alloc(&plan->slots, (size_t)graph->tensor_count, sizeof *plan->slots, "the plan", err)) ||
        (rc = find_kernels(plan, err)) || (rc = plan_stages(plan, err)) ||
        (rc = rt_native_form_groups(plan, err)) || (rc = allocate(plan, err))) {
        rt_native_free(&plan->base);
        return rc;
    }
    *out = &plan->base;
    return RT_OK;
}
