/* Creating and freeing plans: tensors, memory, streams; reading and writing tensors. */
#include <stdio.h>
#include <string.h>

#include "base/half.h"
#include "base/memory.h"
#include "engine/cuda/cuda.h"
#include "net/ops.h"

static size_t padded(size_t bytes)
{
    return (bytes + 255) / 256 * 256;
}

static size_t tensor_bytes(const struct rt_tensor *t)
{
    return padded(t->role == RT_TENSOR_BATCHES ? sizeof(int64_t) : t->count * sizeof(float));
}

/* Of its copy of elements, in plans of bf16. */
static size_t stored_bytes(const struct rt_cuda_plan *plan, const struct rt_tensor *t)
{
    const bool copied = plan->base.options.precision == RT_PRECISION_BF16 && t->role == RT_TENSOR_WEIGHT;

    return copied ? padded(t->count * rt_cuda_element_bytes(plan)) : 0;
}

/* The input side of a weight: {in, kernel, kernel} of a convolution, the input map of a linear layer. {0}: not
 * a weight. */
static struct rt_shape map_of(const struct rt_graph *graph, const struct rt_tensor *t)
{
    const struct rt_node *node = &graph->nodes[t->node];
    const struct rt_node *from = rt_node_input(graph, node, 0);

    if (t->role != RT_TENSOR_WEIGHT)
        return (struct rt_shape){0};
    if (t->rank == 4)
        return (struct rt_shape){t->shape[1], t->shape[2], t->shape[3]};
    return from->shape;
}

/* As map_of; a linear layer's map is seen through aliasing flattens. */
static struct rt_shape linear_map(const struct rt_cuda_plan *plan, const struct rt_tensor *t)
{
    const struct rt_graph *graph = plan->base.graph;
    const struct rt_node *node = &graph->nodes[t->node];

    if (t->role == RT_TENSOR_WEIGHT && node->op == &rt_op_linear)
        return rt_cuda_source(plan, node, 0)->shape;
    return map_of(graph, t);
}

/* Allocates device memory; RT_EMEMORY says how much is needed and how much is free. */
static int allocate(const struct rt_cuda_plan *plan, rt_cu_pointer *memory, size_t bytes, const char *what,
                    struct rt_error *err)
{
    const struct rt_cu *cu = plan->device->cu;
    const rt_cu_result code = cu->memory_alloc(memory, bytes);
    size_t room = 0, total = 0;

    if (code != RT_CU_ERROR_OUT_OF_MEMORY)
        return rt_cuda_check(code, "memory_alloc", "no room for a network on the device", err);
    cu->memory_info(&room, &total);
    return rt_fail(err, RT_EMEMORY,
                   "cuda: %s of a plan for batches of %d need %zu MiB of device memory, and %zu of %zu MiB are "
                   "free; use a "
                   "smaller batch_size, or fewer runs side by side (cuMemAlloc)",
                   what, plan->base.options.batch_max, (bytes >> 20) + 1, room >> 20, total >> 20);
}

/* One zeroed allocation: the values of all tensors, then, in training plans, the same for each of the
 * optimiser's states and for the gradients; last the copies of weights. */
static int place_tensors(struct rt_cuda_plan *plan, struct rt_error *err)
{
    const struct rt_graph *graph = plan->base.graph;
    const struct rt_cu *cu = plan->device->cu;
    const size_t blocks =
        plan->base.options.training ? 2 + (size_t)plan->base.options.optimizer->state_count : 1;
    size_t at = 0, stored = 0;

    RT_TRY(
        rt_alloc(&plan->tensors, (size_t)graph->tensor_count, sizeof *plan->tensors, "a plan's tensors", err));
    for (int i = 0; i < graph->tensor_count; i++) {
        plan->state_bytes += tensor_bytes(&graph->tensors[i]);
        stored += stored_bytes(plan, &graph->tensors[i]);
    }
    if (!plan->state_bytes)
        return RT_OK;
    plan->parameter_bytes = plan->state_bytes * blocks + stored;
    stored = plan->state_bytes * blocks;
    RT_TRY(allocate(plan, &plan->parameters, plan->parameter_bytes, "tensors", err));
    RT_CU_TRY(cu, fill, (plan->parameters, 0, plan->parameter_bytes, plan->stream), "cannot clear the tensors",
              err);
    for (int i = 0; i < graph->tensor_count; i++) {
        const struct rt_tensor *t = &graph->tensors[i];
        struct rt_cuda_tensor *to = &plan->tensors[i];

        to->value = plan->parameters + at;
        at += tensor_bytes(t);
        to->stored = stored_bytes(plan, t) ? plan->parameters + stored : 0;
        stored += stored_bytes(plan, t);
        if (!plan->base.options.training || !rt_tensor_is_parameter(t->role))
            continue;
        to->states = to->value + plan->state_bytes;
        to->gradient = to->value + (blocks - 1) * plan->state_bytes;
    }
    return RT_OK;
}

/* One pinned and mapped block: the pass description, order and crops (host to device), records and outcomes
 * (device to host). */
static int allocate_pinned(struct rt_cuda_plan *plan, struct rt_error *err)
{
    const struct rt_cu *cu = plan->device->cu;
    const size_t images = plan->base.options.pass_max;
    const size_t pass = padded(sizeof(struct rt_cuda_pass)), order = padded(images * sizeof *plan->host_order);
    const size_t crops = padded(images * sizeof *plan->host_crops),
                 records = padded(images * sizeof *plan->records);
    const size_t outcomes = padded(images * sizeof *plan->outcomes);
    const char *what = "no room for an epoch's order and results in pinned memory";
    char *at;

    plan->pinned_bytes = pass + order + crops + records + outcomes;
    RT_CU_TRY(cu, host_alloc, (&plan->pinned, plan->pinned_bytes, RT_CU_HOST_PORTABLE | RT_CU_HOST_MAPPED),
              what, err);
    RT_CU_TRY(cu, host_address, (&plan->pinned_device, plan->pinned, 0), what, err);
    memset(plan->pinned, 0, plan->pinned_bytes);
    at = plan->pinned;
    plan->host_pass = (struct rt_cuda_pass *)at;
    plan->host_order = (uint32_t *)(at += pass);
    plan->host_crops = (struct rt_cuda_crop *)(at += order);
    plan->records = (struct rt_cuda_record *)(at += crops);
    plan->outcomes = (struct rt_cuda_outcome *)(at + records);
    return RT_OK;
}

/* Turns arguments that are offsets into the plan's memory into addresses. */
static void bind_launches(struct rt_cuda_plan *plan)
{
    for (int i = 0; i < plan->launch_count; i++)
        for (int k = 0; k < plan->launches[i].argument_count; k++) {
            struct rt_cuda_argument *a = &plan->launches[i].arguments[k];

            if (a->scratch)
                a->value = plan->memory + plan->scratch[plan->launches[i].side];
            else if (a->offset)
                a->value += plan->memory;
        }
}

static int allocate_memory(struct rt_cuda_plan *plan, struct rt_error *err)
{
    const struct rt_cu *cu = plan->device->cu;

    RT_TRY(allocate(plan, &plan->memory, plan->bytes, "activations", err));
    RT_CU_TRY(cu, fill, (plan->memory, 0, plan->bytes, plan->stream), "cannot clear the activations", err);
    bind_launches(plan);
    return RT_OK;
}

static int create_events(struct rt_cuda_plan *plan, struct rt_error *err)
{
    for (int i = 0; i < RT_CUDA_EVENTS; i++)
        RT_CU_TRY(plan->device->cu, event_create,
                  (&plan->events[i], RT_CU_EVENT_BLOCKING_SYNC | RT_CU_EVENT_DISABLE_TIMING),
                  "cannot make events", err);
    return RT_OK;
}

/* The main stream, on the critical path, has priority over the side stream (lower numbers win). */
static int create_streams(struct rt_cuda_plan *plan, struct rt_error *err)
{
    const struct rt_cu *cu = plan->device->cu;
    const char *what = "cannot make a stream";

    RT_CU_TRY(cu, stream_create, (&plan->stream, RT_CU_STREAM_NON_BLOCKING, -1), what, err);
    RT_CU_TRY(cu, stream_create, (&plan->side, RT_CU_STREAM_NON_BLOCKING, 0), what, err);
    RT_CU_TRY(cu, event_create, (&plan->forked, RT_CU_EVENT_DISABLE_TIMING), what, err);
    return RT_CU_CALL(cu, event_create, (&plan->joined, RT_CU_EVENT_DISABLE_TIMING), what, err);
}

/* Captures training and evaluation here, so that passes allocate nothing. Differentiating passes, which
 * training runs do not use, are prepared by the first one. */
static int prepare(struct rt_cuda_plan *plan, struct rt_error *err)
{
    const struct rt_graph *graph = plan->base.graph;

    if (graph->nodes[graph->node_count - 1].op != &rt_op_softmax_cross_entropy)
        return RT_OK; /* no loss: for probes only */
    if (plan->base.options.training)
        RT_TRY(rt_cuda_prepare(plan, RT_PASS_TRAIN, err));
    return rt_cuda_prepare(plan, RT_PASS_EVALUATE, err);
}

static int create(struct rt_cuda_plan *plan, struct rt_error *err)
{
    const struct rt_cuda_plan *owner = (const struct rt_cuda_plan *)plan->base.options.parameters_of;

    RT_TRY(rt_cuda_enter(plan->device, err));
    RT_TRY(create_streams(plan, err));
    if (owner && plan->base.options.precision == RT_PRECISION_BF16 &&
        owner->base.options.precision != RT_PRECISION_BF16)
        return rt_fail(err, RT_ECONFIG,
                       "engine cuda: a plan of bf16 cannot evaluate another's tensors in %s: they have no "
                       "bfloat16 weights",
                       rt_precision_word(owner->base.options.precision));
    if (owner)
        plan->tensors = owner->tensors;
    else
        RT_TRY(place_tensors(plan, err));
    RT_TRY(rt_cuda_build(plan, err));
    for (int i = 0; i < plan->base.graph->tensor_count && !owner; i++)
        plan->tensors[i].map = linear_map(plan, &plan->base.graph->tensors[i]);
    RT_TRY(allocate_memory(plan, err));
    RT_TRY(allocate_pinned(plan, err));
    RT_TRY(create_events(plan, err));
    RT_TRY(rt_cuda_profile_create(plan, err));
    return prepare(plan, err);
}

void rt_cuda_free_plan(struct rt_plan *base)
{
    struct rt_cuda_plan *plan = (struct rt_cuda_plan *)base;
    const struct rt_cu *cu = plan->device->cu;

    if (!rt_cuda_enter(plan->device, NULL)) {
        if (plan->stream)
            cu->stream_synchronize(plan->stream);
        rt_cuda_profile_free(plan, true);
        for (int kind = 0; kind < 3; kind++) {
            if (plan->graphs[kind].one)
                cu->graph_exec_destroy(plan->graphs[kind].one);
            if (plan->graphs[kind].several)
                cu->graph_exec_destroy(plan->graphs[kind].several);
        }
        for (int i = 0; i < RT_CUDA_EVENTS; i++)
            if (plan->events[i])
                cu->event_destroy(plan->events[i]);
        if (plan->memory)
            cu->memory_free(plan->memory);
        if (plan->parameters)
            cu->memory_free(plan->parameters);
        if (plan->pinned)
            cu->host_free(plan->pinned);
        if (plan->forked)
            cu->event_destroy(plan->forked);
        if (plan->joined)
            cu->event_destroy(plan->joined);
        if (plan->side)
            cu->stream_destroy(plan->side);
        if (plan->stream)
            cu->stream_destroy(plan->stream);
    }
    if (!base->options.parameters_of)
        rt_free(&plan->tensors);
    rt_cuda_profile_free(plan, false);
    rt_free(&plan->values);
    rt_free(&plan->launches);
    rt_free(&plan->buffers);
    rt_free(&plan);
}

int rt_cuda_create_plan(struct rt_plan **out, struct rt_device *device, const struct rt_graph *graph,
                        const struct rt_plan_options *options, struct rt_error *err)
{
    struct rt_cuda_plan *plan;
    int rc;

    RT_TRY(rt_alloc(&plan, 1, sizeof *plan, "a plan", err));
    plan->base.device = device;
    plan->base.graph = graph;
    plan->base.options = *options;
    plan->device = (struct rt_cuda_device *)device;
    if ((rc = create(plan, err))) {
        rt_cuda_free_plan(&plan->base);
        return rc;
    }
    *out = &plan->base;
    return RT_OK;
}

/* ---- tensors in and out ---- */

/* Converts weights between PyTorch's [out][channel][row][column] and the device's [row][column][channel][out],
 * where channel, row and column run over s (a kernel, or a linear layer's input map). in: to the device's. */
static void transpose(float *device, float *outside, struct rt_shape s, int out, bool in)
{
    const int area = s.height * s.width;

    for (int o = 0; o < out; o++)
        for (int c = 0; c < s.channels; c++)
            for (int p = 0; p < area; p++) {
                float *there = device + ((size_t)p * (size_t)s.channels + (size_t)c) * (size_t)out + o;
                float *here = outside + ((size_t)o * (size_t)s.channels + (size_t)c) * (size_t)area + p;

                if (in)
                    *there = *here;
                else
                    *here = *there;
            }
}

static rt_cu_pointer address_of(const struct rt_cuda_plan *plan, enum rt_state state, int tensor)
{
    const struct rt_cuda_tensor *t = &plan->tensors[tensor];

    if (state == RT_STATE_TENSOR)
        return t->value;
    return state == RT_STATE_GRADIENT ? t->gradient
                                      : t->states + (state - RT_STATE_OPTIMIZER) * plan->state_bytes;
}

/* Waits for all enqueued work; reports late errors. */
static int settle(struct rt_cuda_plan *plan, struct rt_error *err)
{
    RT_TRY(rt_cuda_enter(plan->device, err));
    if (plan->late.status)
        return rt_fail(err, plan->late.status, "%s", plan->late.message);
    return RT_CU_CALL(plan->device->cu, stream_synchronize, (plan->stream),
                      "the device failed in an earlier step", err);
}

static int move(struct rt_cuda_plan *plan, rt_cu_pointer device, void *host, size_t bytes, bool in,
                const char *name, struct rt_error *err)
{
    const struct rt_cu *cu = plan->device->cu;

    if (in)
        RT_CU_TRY(cu, upload, (device, host, bytes, plan->stream), name, err);
    else
        RT_CU_TRY(cu, download, (host, device, bytes, plan->stream), name, err);
    return RT_CU_CALL(cu, stream_synchronize, (plan->stream), name, err);
}

/* The elements of a weight whose floats are on the device; they are overwritten here. */
static int write_stored(struct rt_cuda_plan *plan, const struct rt_tensor *t, rt_cu_pointer stored,
                        float *values, struct rt_error *err)
{
    char *bytes = (char *)values;

    for (size_t i = 0; i < t->count; i++) {
        const uint16_t element = rt_bfloat_from_float(values[i]);

        memcpy(bytes + i * sizeof element, &element, sizeof element);
    }
    return move(plan, stored, bytes, t->count * sizeof(uint16_t), true, t->name, err);
}

int rt_cuda_write(struct rt_plan *base, enum rt_state state, int tensor, const void *values,
                  struct rt_error *err)
{
    struct rt_cuda_plan *plan = (struct rt_cuda_plan *)base;
    const struct rt_tensor *t = &base->graph->tensors[tensor];
    const struct rt_shape map = plan->tensors[tensor].map;
    const rt_cu_pointer stored = state == RT_STATE_TENSOR ? plan->tensors[tensor].stored : 0;
    float *copy = NULL;
    int rc;

    RT_TRY(settle(plan, err));
    if (t->role == RT_TENSOR_BATCHES) {
        int64_t batches;

        memcpy(&batches, values, sizeof batches);
        return move(plan, address_of(plan, state, tensor), &batches, sizeof batches, true, t->name, err);
    }
    RT_TRY(rt_alloc(&copy, t->count, 2 * sizeof(float), "a tensor on its way to the device", err));
    memcpy(copy + t->count, values, t->count * sizeof(float));
    if (map.channels)
        transpose(copy, copy + t->count, map, t->shape[0], true);
    rc = move(plan, address_of(plan, state, tensor), map.channels ? copy : copy + t->count,
              t->count * sizeof(float), true, t->name, err);
    if (!rc && stored)
        rc = write_stored(plan, t, stored, copy, err);
    rt_free(&copy);
    return rc;
}

int rt_cuda_read(struct rt_plan *base, enum rt_state state, int tensor, void *values, struct rt_error *err)
{
    struct rt_cuda_plan *plan = (struct rt_cuda_plan *)base;
    const struct rt_tensor *t = &base->graph->tensors[tensor];
    const struct rt_shape map = plan->tensors[tensor].map;
    float *copy = NULL;
    int rc;

    RT_TRY(settle(plan, err));
    if (t->role == RT_TENSOR_BATCHES)
        return move(plan, address_of(plan, state, tensor), values, sizeof(int64_t), false, t->name, err);
    if (!map.channels)
        return move(plan, address_of(plan, state, tensor), values, t->count * sizeof(float), false, t->name,
                    err);
    RT_TRY(rt_alloc(&copy, t->count, sizeof *copy, "a tensor on its way from the device", err));
    rc = move(plan, address_of(plan, state, tensor), copy, t->count * sizeof(float), false, t->name, err);
    if (!rc)
        transpose(copy, values, map, t->shape[0], false);
    rt_free(&copy);
    return rc;
}
