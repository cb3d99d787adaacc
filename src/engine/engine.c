#include "engine/engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "net/ops.h"

#define RT_ENGINE_ADDRESS(name, help) &rt_engine_##name,
const struct rt_engine *const rt_engines[] = {RT_ENGINES(RT_ENGINE_ADDRESS) NULL};
#undef RT_ENGINE_ADDRESS

/* ---- devices ---- */

int rt_device_open(struct rt_device **device, const struct rt_engine *engine,
                   const struct rt_device_options *options, struct rt_error *err)
{
    *device = NULL;
    RT_TRY(engine->open(device, options, err));
    (*device)->engine = engine;
    return RT_OK;
}

void rt_device_close(struct rt_device **device)
{
    if (*device)
        (*device)->engine->close(*device);
    *device = NULL;
}

const char *rt_device_target(const struct rt_device *device)
{
    return device->engine->target ? device->engine->target(device) : "portable";
}

/* ---- stores ---- */

size_t rt_device_room(const struct rt_device *device)
{
    return device->engine->room ? device->engine->room(device) : 0;
}

int rt_store_create(struct rt_store **store, struct rt_device *device, const struct rt_dataset *dataset,
                    struct rt_error *err)
{
    *store = NULL;
    RT_TRY(device->engine->store(store, device, dataset, err));
    (*store)->device = device;
    (*store)->dataset = dataset;
    (*store)->count = dataset->train_count + dataset->test_count;
    for (size_t i = 0; i < (*store)->count; i++)
        if (dataset->labels[i] >= (*store)->classes)
            (*store)->classes = dataset->labels[i] + 1;
    return RT_OK;
}

void rt_store_free(struct rt_store **store)
{
    if (*store)
        (*store)->device->engine->drop(*store);
    *store = NULL;
}

/* ---- plans ---- */

static int check_owner(const struct rt_device *device, const struct rt_graph *graph,
                       const struct rt_plan_options *options, struct rt_error *err)
{
    const struct rt_plan *owner = options->parameters_of;

    if (!owner)
        return RT_OK;
    if (owner->device != device || owner->graph != graph)
        return rt_fail(err, RT_ECONFIG, "engine %s: plans share tensors only of one network on one device",
                       device->engine->name);
    if (options->training)
        return rt_fail(err, RT_ECONFIG, "engine %s: a plan on another's tensors only evaluates",
                       device->engine->name);
    return RT_OK;
}

static int check_precision(const struct rt_engine *engine, struct rt_plan_options *options,
                           struct rt_error *err)
{
    if (options->precision == RT_PRECISION_DEFAULT)
        options->precision = engine->precision;
    if (engine->precisions & 1u << options->precision)
        return RT_OK;
    return rt_fail(err, RT_ECONFIG, "precision: engine %s does not compute in %s, only in %s", engine->name,
                   rt_precision_word(options->precision), rt_precision_word(engine->precision));
}

int rt_plan_create(struct rt_plan **plan, struct rt_device *device, const struct rt_graph *graph,
                   const struct rt_plan_options *options, struct rt_error *err)
{
    struct rt_plan_options resolved = *options;

    *plan = NULL;
    if (options->batch_max < 1)
        return rt_fail(err, RT_ECONFIG, "batch_size: %d, expected 1 or more", options->batch_max);
    RT_TRY(check_owner(device, graph, options, err));
    RT_TRY(check_precision(device->engine, &resolved, err));
    if (resolved.pass_max < (size_t)resolved.batch_max)
        resolved.pass_max = (size_t)resolved.batch_max;
    if (!resolved.training)
        resolved.optimizer = NULL;
    else if (!resolved.optimizer)
        resolved.optimizer = &rt_optimizers[RT_OPTIMIZER_sgd];
    return device->engine->create(plan, device, graph, &resolved, err);
}

void rt_plan_free(struct rt_plan **plan)
{
    if (*plan)
        (*plan)->device->engine->free(*plan);
    *plan = NULL;
}

size_t rt_plan_memory_bytes(const struct rt_plan *plan)
{
    return plan->device->engine->memory_bytes(plan);
}

bool rt_plan_profile(const struct rt_plan *plan, int index, struct rt_stage_time *time)
{
    const struct rt_engine *engine = plan->device->engine;

    return index >= 0 && engine->profile && plan->options.profile && engine->profile(plan, index, time);
}

bool rt_plan_step_work(const struct rt_plan *plan, struct rt_step_work *work)
{
    const struct rt_engine *engine = plan->device->engine;

    return engine->work && plan->options.training && engine->work(plan, work);
}

/* ---- failures ---- */

/* What the device reported before, or RT_OK. */
static int check_failed(const struct rt_plan *plan, struct rt_error *err)
{
    if (plan->failure.status && err)
        *err = plan->failure;
    return (int)plan->failure.status;
}

/* A call that waited has returned `rc`: a failure is kept, for the plan's state is lost. */
static int note(struct rt_plan *plan, int rc, const struct rt_error *failure, struct rt_error *err)
{
    if (!rc)
        return RT_OK;
    plan->failure = *failure;
    if (err)
        *err = *failure;
    return rc;
}

/* ---- state ---- */

/* Whether the plan has that state of that tensor. */
static int check_state(const struct rt_plan *plan, enum rt_state state, int tensor, struct rt_error *err)
{
    const struct rt_optimizer *optimizer = plan->options.optimizer;
    const int k = (int)state - RT_STATE_OPTIMIZER;

    if (tensor < 0 || tensor >= plan->graph->tensor_count)
        return rt_fail(err, RT_ECONFIG, "tensor %d: the network has %d", tensor, plan->graph->tensor_count);
    if (state == RT_STATE_TENSOR)
        return RT_OK;
    if (!plan->options.training)
        return rt_fail(err, RT_ECONFIG,
                       "%s: a plan that only evaluates has neither gradients nor optimiser states",
                       plan->graph->tensors[tensor].name);
    if (!rt_tensor_is_parameter(plan->graph->tensors[tensor].role))
        return rt_fail(err, RT_ECONFIG, "%s: not a parameter: it has neither gradient nor optimiser states",
                       plan->graph->tensors[tensor].name);
    if (k >= optimizer->state_count)
        return rt_fail(err, RT_ECONFIG, "%s: optimizer %s keeps %d states, not %d",
                       plan->graph->tensors[tensor].name, optimizer->name, optimizer->state_count, k + 1);
    return RT_OK;
}

int rt_plan_write(struct rt_plan *plan, enum rt_state state, int tensor, const void *values,
                  struct rt_error *err)
{
    struct rt_error failure = {0};

    RT_TRY(check_failed(plan, err));
    RT_TRY(check_state(plan, state, tensor, err));
    return note(plan, plan->device->engine->write(plan, state, tensor, values, &failure), &failure, err);
}

int rt_plan_read(struct rt_plan *plan, enum rt_state state, int tensor, void *values, struct rt_error *err)
{
    struct rt_error failure = {0};

    RT_TRY(check_failed(plan, err));
    RT_TRY(check_state(plan, state, tensor, err));
    return note(plan, plan->device->engine->read(plan, state, tensor, values, &failure), &failure, err);
}

struct initializer {
    struct rt_plan *plan;
    void *reals; /* room for the largest tensor */
    int rc;
    struct rt_error *err;
};

static void write_initial(void *context, int tensor, const float *values)
{
    struct initializer *init = context;
    struct rt_plan *plan = init->plan;
    const size_t count = plan->graph->tensors[tensor].count, real = plan->device->engine->real_size;

    for (size_t i = 0; i < count; i++)
        if (real == sizeof(float))
            ((float *)init->reals)[i] = values[i];
        else
            ((double *)init->reals)[i] = (double)values[i];
    if (!init->rc)
        init->rc = rt_plan_write(plan, RT_STATE_TENSOR, tensor, init->reals, init->err);
    if (!plan->options.training || !rt_tensor_is_parameter(plan->graph->tensors[tensor].role))
        return;
    memset(init->reals, 0, count * real);
    for (int k = 0; k < plan->options.optimizer->state_count && !init->rc; k++)
        init->rc = rt_plan_write(plan, RT_STATE_OPTIMIZER + (enum rt_state)k, tensor, init->reals, init->err);
}

int rt_plan_initialize(struct rt_plan *plan, uint32_t seed, struct rt_error *err)
{
    struct initializer init = {.plan = plan, .err = err};
    const int64_t none = 0;
    size_t largest = 1;
    int rc;

    for (int i = 0; i < plan->graph->tensor_count; i++)
        if (plan->graph->tensors[i].count > largest)
            largest = plan->graph->tensors[i].count;
    RT_TRY(rt_alloc(&init.reals, largest, sizeof(double), "initial weights", err));
    if (!(rc = rt_graph_initialize(plan->graph, seed, write_initial, &init, err)))
        rc = init.rc;
    for (int i = 0; i < plan->graph->tensor_count && !rc; i++)
        if (plan->graph->tensors[i].role == RT_TENSOR_BATCHES)
            rc = rt_plan_write(plan, RT_STATE_TENSOR, i, &none, err);
    rt_free(&init.reals);
    return rc;
}

/* ---- passes ---- */

static int check_images(const struct rt_plan *plan, const struct rt_pass *pass, struct rt_error *err)
{
    const struct rt_dataset *dataset = pass->store->dataset;
    const struct rt_shape input = plan->graph->nodes[0].shape;

    if (dataset->channels != input.channels || dataset->height != input.height || dataset->width != input.width)
        return rt_fail(err, RT_ECONFIG, "images of %d x %d x %d for a network that takes %d x %d x %d",
                       dataset->channels, dataset->height, dataset->width, input.channels, input.height,
                       input.width);
    if (!pass->order &&
        (pass->first_image > pass->store->count || pass->count > pass->store->count - pass->first_image))
        return rt_fail(err, RT_ECONFIG, "images %zu to %zu of a data set that has %zu", pass->first_image,
                       pass->first_image + pass->count, pass->store->count);
    for (size_t i = 0; pass->order && i < pass->count; i++)
        if (pass->order[i] >= pass->store->count)
            return rt_fail(err, RT_ECONFIG, "image %u of a data set that has %zu", pass->order[i],
                           pass->store->count);
    if (pass->crops && (dataset->side != RT_STORED || !dataset->pixels))
        return rt_fail(err, RT_ECONFIG, "augmentation needs the uncropped images, which this data set has not");
    for (size_t i = 0; pass->crops && i < pass->count; i++)
        if (pass->crops[i].row > RT_STORED - RT_CROP || pass->crops[i].column > RT_STORED - RT_CROP)
            return rt_fail(err, RT_ECONFIG, "crop %zu lies outside its image", i);
    return RT_OK;
}

static int check_pass(const struct rt_plan *plan, const struct rt_pass *pass, struct rt_error *err)
{
    const struct rt_graph *graph = plan->graph;
    const struct rt_node *last = &graph->nodes[graph->node_count - 1];

    if (pass->kind != RT_PASS_EVALUATE && !plan->options.training)
        return rt_fail(err, RT_ECONFIG, "a plan that only evaluates cannot train");
    if (last->op != &rt_op_softmax_cross_entropy)
        return rt_fail(err, RT_ECONFIG, "a network without a loss can only be probed");
    if (pass->store->device != plan->device)
        return rt_fail(err, RT_ECONFIG, "the images are on another device than the network");
    if (pass->store->classes > graph->nodes[last->inputs[0]].shape.channels)
        return rt_fail(err, RT_ECONFIG, "labels of %d classes for a network of %d", pass->store->classes,
                       graph->nodes[last->inputs[0]].shape.channels);
    if (pass->batch_size < 1 || pass->batch_size > plan->options.batch_max)
        return rt_fail(err, RT_ECONFIG, "batch_size: %d, expected 1 to %d", pass->batch_size,
                       plan->options.batch_max);
    if (pass->count < 1 || pass->count > plan->options.pass_max)
        return rt_fail(err, RT_ECONFIG, "a pass of %zu images, expected 1 to %zu", pass->count,
                       plan->options.pass_max);
    if (pass->first < 0 || (size_t)pass->first * (size_t)pass->batch_size >= pass->count)
        return rt_fail(err, RT_ECONFIG, "batch %d is past the end of %zu images", pass->first, pass->count);
    return check_images(plan, pass, err);
}

int rt_plan_begin(struct rt_plan *plan, const struct rt_pass *pass, struct rt_error *err)
{
    RT_TRY(check_failed(plan, err));
    RT_TRY(check_pass(plan, pass, err));
    plan->pass = *pass;
    plan->pass.order = NULL;
    plan->pass.crops = NULL;
    plan->batches = (int)((pass->count + (size_t)pass->batch_size - 1) / (size_t)pass->batch_size);
    plan->advanced = plan->collected = pass->first;
    const int rc = plan->device->engine->begin(plan, pass, err);
    if (rc)
        plan->batches = plan->advanced = plan->collected = 0;
    return rc;
}

int rt_plan_in_flight(const struct rt_plan *plan)
{
    return plan->advanced - plan->collected;
}

int rt_plan_left(const struct rt_plan *plan)
{
    return plan->batches - plan->advanced;
}

int rt_plan_stride(const struct rt_plan *plan)
{
    return plan->device->engine->stride(plan);
}

int rt_plan_advance(struct rt_plan *plan, int batches)
{
    const int left = rt_plan_left(plan), count = batches < left ? batches : left;

    if (count <= 0 || plan->failure.status)
        return 0;
    plan->device->engine->advance(plan, count);
    plan->advanced += count;
    return count;
}

int rt_plan_collect(struct rt_plan *plan, struct rt_step *step, struct rt_image_outcome *outcomes,
                    struct rt_error *err)
{
    struct rt_error failure = {0};

    RT_TRY(check_failed(plan, err));
    if (rt_plan_in_flight(plan) < 1)
        return rt_fail(err, RT_ECONFIG, "nothing is in flight that could be collected");
    if (outcomes && !plan->pass.outcomes)
        return rt_fail(err, RT_ECONFIG, "the pass was begun without its images' outcomes");
    RT_TRY(note(plan, plan->device->engine->collect(plan, step, outcomes, &failure), &failure, err));
    plan->collected++;
    return RT_OK;
}

int rt_plan_probe(struct rt_plan *plan, const void *x, int count, void *y, const void *dy, void *dx,
                  struct rt_error *err)
{
    struct rt_error failure = {0};

    RT_TRY(check_failed(plan, err));
    if (count < 1 || count > plan->options.batch_max)
        return rt_fail(err, RT_ECONFIG, "a probe of %d images, expected 1 to %d", count,
                       plan->options.batch_max);
    if ((dy && !plan->options.training) || (dx && !(dy && plan->options.input_gradient)))
        return rt_fail(err, RT_ECONFIG, "a probe for gradients that the plan does not keep");
    return note(plan, plan->device->engine->probe(plan, x, count, y, dy, dx, &failure), &failure, err);
}
