/* The reference engine's plan: one buffer for each node's values, one for its gradient, nothing shared or
 * reused; single-threaded. Slow on purpose where that keeps it plain: other engines are checked against it. */
#include <assert.h>
#include <limits.h>
#include <string.h>

#include "base/memory.h"
#include "engine/host/host.h"
#include "engine/reference/kernels.h"
#include "net/dropout.h"
#include "net/ops.h"

typedef real rt_real, rt_number;
#define RT_OPTIMIZER_FUNCTION static inline
#define RT_OPTIMIZER_SQRT(x) RT_REAL_MATH(sqrt)(x)
#include "engine/optimizers/formulas.h"

#define RT_REFERENCE_ADDRESS(name) &RT_REFERENCE_KERNEL(name),
static const struct rt_reference_kernel *const kernels[] = {RT_OPS(RT_REFERENCE_ADDRESS)};
#undef RT_REFERENCE_ADDRESS

/* A node's share of the plan. Gradient and kept are null where not needed. */
struct node_plan {
    const struct rt_reference_kernel *kernel;
    real *value, *gradient, *kept;
};

/* A tensor's numbers. Gradient and the optimiser's states are null unless it is a parameter of a training plan.
 */
struct tensor_plan {
    real *value, *gradient, *states[RT_OPTIMIZER_STATES_MAX];
    int64_t batches; /* RT_TENSOR_BATCHES has this instead of a value */
};

struct plan {
    union {
        struct rt_plan base;
        struct rt_host_plan host;
    };
    struct node_plan *nodes;
    struct tensor_plan *tensors; /* owned unless options.parameters_of */
    size_t memory_bytes;
};

static int allocate(struct plan *plan, real **out, size_t count, const char *what, struct rt_error *err)
{
    RT_TRY(rt_alloc_aligned(out, count, sizeof(real), what, err));
    plan->memory_bytes += count * sizeof(real);
    return RT_OK;
}

static int find_kernel(struct plan *plan, const struct rt_node *node, struct rt_error *err)
{
    char label[RT_LABEL_MAX];

    for (size_t i = 0; i < sizeof kernels / sizeof *kernels; i++)
        if (kernels[i]->op == node->op) {
            plan->nodes[node->id].kernel = kernels[i];
            return RT_OK;
        }
    return rt_fail(err, RT_ECONFIG, "engine %s has no kernel for %s", plan->base.device->engine->name,
                   rt_node_label(node, label));
}

/* Whether the gradient with respect to the node's output is needed: a parameter or a requested input precedes
 * it. */
static bool wants_gradient(const struct plan *plan, const struct rt_node *node)
{
    if (!plan->base.options.training)
        return false;
    if (node->op == &rt_op_input)
        return plan->base.options.input_gradient;
    for (int i = 0; i < node->op->inputs; i++)
        if (plan->nodes[node->inputs[i]].gradient)
            return true;
    return node->tensor_count > 0 || node->id == plan->base.graph->node_count - 1;
}

static int plan_node(struct plan *plan, const struct rt_node *node, struct rt_error *err)
{
    struct node_plan *np = &plan->nodes[node->id];
    const int batch = plan->base.options.batch_max;
    const size_t one = rt_shape_count(node->shape);
    char label[RT_LABEL_MAX];

    RT_TRY(find_kernel(plan, node, err));
    if (one > (size_t)(INT_MAX / batch))
        return rt_fail(err, RT_ECONFIG,
                       "batch_size: %d images of %s are 2^31 values or more; use smaller batches", batch,
                       rt_node_label(node, label));
    RT_TRY(allocate(plan, &np->value, one * (size_t)batch, "activations", err));
    if (wants_gradient(plan, node))
        RT_TRY(allocate(plan, &np->gradient, one * (size_t)batch, "gradients of activations", err));
    if (plan->base.options.training && np->kernel->kept)
        RT_TRY(
            allocate(plan, &np->kept, np->kernel->kept(node, batch), "values kept for the backward pass", err));
    return RT_OK;
}

static int plan_tensor(struct plan *plan, int tensor, struct rt_error *err)
{
    const struct rt_tensor *t = &plan->base.graph->tensors[tensor];
    struct tensor_plan *tp = &plan->tensors[tensor];

    if (t->role == RT_TENSOR_BATCHES)
        return RT_OK;
    RT_TRY(allocate(plan, &tp->value, t->count, t->name, err));
    if (!plan->base.options.training || !rt_tensor_is_parameter(t->role))
        return RT_OK;
    for (int k = 0; k < plan->base.options.optimizer->state_count; k++)
        RT_TRY(allocate(plan, &tp->states[k], t->count, t->name, err));
    return allocate(plan, &tp->gradient, t->count, t->name, err);
}

static int plan_all(struct plan *plan, struct rt_error *err)
{
    const struct rt_graph *graph = plan->base.graph;

    RT_TRY(rt_alloc(&plan->nodes, (size_t)graph->node_count, sizeof *plan->nodes, "a plan's nodes", err));
    for (int i = 0; i < graph->node_count; i++)
        RT_TRY(plan_node(plan, &graph->nodes[i], err));
    if (plan->base.options.parameters_of) {
        plan->tensors = ((const struct plan *)plan->base.options.parameters_of)->tensors;
        return RT_OK;
    }
    RT_TRY(
        rt_alloc(&plan->tensors, (size_t)graph->tensor_count, sizeof *plan->tensors, "a plan's tensors", err));
    for (int i = 0; i < graph->tensor_count; i++)
        RT_TRY(plan_tensor(plan, i, err));
    return RT_OK;
}

static void free_plan(struct rt_plan *base)
{
    struct plan *plan = (struct plan *)base;

    rt_host_plan_free(&plan->host);
    for (int i = 0; plan->nodes && i < base->graph->node_count; i++) {
        rt_free(&plan->nodes[i].value);
        rt_free(&plan->nodes[i].gradient);
        rt_free(&plan->nodes[i].kept);
    }
    rt_free(&plan->nodes);
    for (int i = 0; plan->tensors && !base->options.parameters_of && i < base->graph->tensor_count; i++) {
        rt_free(&plan->tensors[i].value);
        rt_free(&plan->tensors[i].gradient);
        for (int k = 0; k < RT_OPTIMIZER_STATES_MAX; k++)
            rt_free(&plan->tensors[i].states[k]);
    }
    if (!base->options.parameters_of)
        rt_free(&plan->tensors);
    rt_free(&plan);
}

/* The array of `state` of `tensor`. */
static real *state_of(const struct plan *plan, enum rt_state state, int tensor)
{
    const struct tensor_plan *tp = &plan->tensors[tensor];

    return state == RT_STATE_TENSOR     ? tp->value
           : state == RT_STATE_GRADIENT ? tp->gradient
                                        : tp->states[state - RT_STATE_OPTIMIZER];
}

static int write_state(struct rt_plan *base, enum rt_state state, int tensor, const void *values,
                       struct rt_error *err)
{
    const struct rt_tensor *t = &base->graph->tensors[tensor];
    struct plan *plan = (struct plan *)base;

    (void)err;
    if (t->role == RT_TENSOR_BATCHES)
        memcpy(&plan->tensors[tensor].batches, values, sizeof(int64_t));
    else
        memcpy(state_of(plan, state, tensor), values, t->count * sizeof(real));
    return RT_OK;
}

static int read_state(struct rt_plan *base, enum rt_state state, int tensor, void *values, struct rt_error *err)
{
    const struct rt_tensor *t = &base->graph->tensors[tensor];
    const struct plan *plan = (const struct plan *)base;

    (void)err;
    if (t->role == RT_TENSOR_BATCHES)
        memcpy(values, &plan->tensors[tensor].batches, sizeof(int64_t));
    else
        memcpy(values, state_of(plan, state, tensor), t->count * sizeof(real));
    return RT_OK;
}

static struct rt_reference_call call_of(const struct plan *plan, const struct rt_node *node,
                                        const struct rt_host_batch *batch, bool training)
{
    const struct node_plan *np = &plan->nodes[node->id];
    struct rt_reference_call call = {.node = node,
                                     .count = batch->count,
                                     .training = training,
                                     .labels = batch->labels,
                                     .y = np->value,
                                     .dy = np->gradient,
                                     .kept = np->kept};

    call.dropout_key = rt_dropout_key(plan->base.options.seed, batch->serial, node->id);
    for (int i = 0; i < node->op->inputs; i++) {
        call.in[i] = rt_node_input(plan->base.graph, node, i)->shape;
        call.x[i] = plan->nodes[node->inputs[i]].value;
        call.dx[i] = plan->nodes[node->inputs[i]].gradient;
    }
    for (int i = 0; i < node->tensor_count; i++) {
        struct tensor_plan *tp = &plan->tensors[node->tensors[i]];

        call.tensors[i] = tp->value;
        call.gradients[i] = tp->gradient;
        if (plan->base.graph->tensors[node->tensors[i]].role == RT_TENSOR_BATCHES)
            call.batches = &tp->batches;
    }
    return call;
}

/* The images into the first node's value: gathered ones are floats, others reals. */
static void take_images(const struct plan *plan, const struct rt_host_batch *batch)
{
    const size_t count = (size_t)batch->count * rt_shape_count(plan->base.graph->nodes[0].shape);
    const float *floats = batch->images;

    if (batch->images != plan->host.images)
        memcpy(plan->nodes[0].value, batch->images, count * sizeof(real));
    else
        for (size_t i = 0; i < count; i++)
            plan->nodes[0].value[i] = (real)floats[i];
}

static void forward(const struct plan *plan, const struct rt_host_batch *batch, bool training)
{
    const struct rt_graph *graph = plan->base.graph;

    take_images(plan, batch);
    for (int i = 0; i < graph->node_count; i++) {
        const struct rt_reference_call call = call_of(plan, &graph->nodes[i], batch, training);

        plan->nodes[i].kernel->forward(&call);
    }
}

/* From the last node's gradient, already in its buffer, to all others. */
static void backward(const struct plan *plan, const struct rt_host_batch *batch)
{
    const struct rt_graph *graph = plan->base.graph;

    for (int i = 0; i < graph->node_count - 1; i++)
        if (plan->nodes[i].gradient)
            memset(plan->nodes[i].gradient, 0,
                   (size_t)batch->count * rt_shape_count(graph->nodes[i].shape) * sizeof(real));
    for (int i = 0; i < graph->tensor_count; i++)
        if (plan->tensors[i].gradient)
            memset(plan->tensors[i].gradient, 0, graph->tensors[i].count * sizeof(real));
    for (int i = graph->node_count - 1; i > 0; i--) {
        const struct rt_reference_call call = call_of(plan, &graph->nodes[i], batch, true);

        if (call.dx[0] || call.dx[1] || graph->nodes[i].tensor_count > 0)
            plan->nodes[i].kernel->backward(&call);
    }
}

/* One tensor by its gradient. */
static void update_tensor(const struct tensor_plan *tp, size_t count, const struct rt_optimizer *optimizer,
                          const real *terms)
{
    for (size_t j = 0; j < count; j++) {
        real states[RT_OPTIMIZER_STATES_MAX] = {0};

        for (int k = 0; k < optimizer->state_count; k++)
            states[k] = tp->states[k][j];
        switch (optimizer->index) {
#define UPDATE(name, state0, state1, help)                                                                     \
    case RT_OPTIMIZER_##name:                                                                                  \
        rt_##name##_step(&tp->value[j], states, tp->gradient[j], terms);                                       \
        break;
            RT_OPTIMIZERS(UPDATE)
#undef UPDATE
        }
        for (int k = 0; k < optimizer->state_count; k++)
            tp->states[k][j] = states[k];
    }
}

static void update(const struct plan *plan, uint64_t step)
{
    const struct rt_optimizer *optimizer = plan->base.options.optimizer;
    double terms[RT_OPTIMIZER_TERMS_MAX] = {0};

    real rounded[RT_OPTIMIZER_TERMS_MAX];

    optimizer->terms(terms, &plan->base.pass.update, (double)step);
    for (int i = 0; i < RT_OPTIMIZER_TERMS_MAX; i++)
        rounded[i] = (real)terms[i];
    for (int i = 0; i < plan->base.graph->tensor_count; i++)
        if (plan->tensors[i].gradient)
            update_tensor(&plan->tensors[i], plan->base.graph->tensors[i].count, optimizer, rounded);
}

/* The class of the largest logit, the first of equals; -1: all are NaN. */
static int largest_of(const real *logits, int classes)
{
    int best = -1;

    for (int j = 0; j < classes; j++)
        if (!isnan(logits[j]) && (best < 0 || logits[j] > logits[best]))
            best = j;
    return best;
}

/* exp(x[label]) / sum_j exp(x[j]), about the largest; x[label] minus the largest of the others. */
static struct rt_image_outcome outcome_of(const real *logits, int classes, int label, int class, real loss)
{
    const double about = (double)logits[class < 0 ? 0 : class];
    double sum = 0, other = -INFINITY;

    for (int j = 0; j < classes; j++) {
        sum += exp((double)logits[j] - about);
        if (j != label && (double)logits[j] > other)
            other = (double)logits[j];
    }
    return (struct rt_image_outcome){
        .loss = (float)loss,
        .probability = (float)(exp((double)logits[label] - about) / sum),
        .margin = (float)((double)logits[label] - other),
        .predicted = (uint8_t)(class < 0 ? 0 : class),
        .right = class == label,
    };
}

static void measure(const struct plan *plan, const struct rt_host_batch *batch)
{
    const struct rt_graph *graph = plan->base.graph;
    const struct rt_node *loss = &graph->nodes[graph->node_count - 1];
    const int classes = rt_node_input(graph, loss, 0)->shape.channels;
    const real *logits = plan->nodes[loss->inputs[0]].value;

    for (int n = 0; n < batch->count; n++) {
        const int class = largest_of(logits + n * classes, classes);

        batch->losses[n] = (double)plan->nodes[loss->id].value[n];
        batch->right[n] = class == batch->labels[n];
        if (batch->outcomes)
            batch->outcomes[n] = outcome_of(logits + n * classes, classes, batch->labels[n], class,
                                            plan->nodes[loss->id].value[n]);
    }
}

static void step(struct rt_host_plan *host, const struct rt_host_batch *batch)
{
    struct plan *plan = (struct plan *)host;
    const enum rt_pass_kind kind = host->base.pass.kind;

    real *gradient = plan->nodes[host->base.graph->node_count - 1].gradient;

    forward(plan, batch, kind != RT_PASS_EVALUATE);
    measure(plan, batch);
    if (kind == RT_PASS_EVALUATE)
        return;
    for (int n = 0; n < batch->count; n++)
        gradient[n] = 1 / (real)batch->count; /* of the mean loss by each image's */
    backward(plan, batch);
    if (kind == RT_PASS_TRAIN)
        update(plan, batch->serial);
}

static int probe(struct rt_plan *base, const void *x, int count, void *y, const void *dy, void *dx,
                 struct rt_error *err)
{
    struct plan *plan = (struct plan *)base;
    const struct rt_host_batch batch = {.images = x, .count = count};
    const struct rt_node *last = &base->graph->nodes[base->graph->node_count - 1];
    const size_t y_size = (size_t)count * rt_shape_count(last->shape) * sizeof(real);

    (void)err;
    forward(plan, &batch, base->options.training);
    memcpy(y, plan->nodes[last->id].value, y_size);
    if (!dy)
        return RT_OK;
    memcpy(plan->nodes[last->id].gradient, dy, y_size);
    backward(plan, &batch);
    if (dx)
        memcpy(dx, plan->nodes[0].gradient,
               (size_t)count * rt_shape_count(base->graph->nodes[0].shape) * sizeof(real));
    return RT_OK;
}

static int create(struct rt_plan **out, struct rt_device *device, const struct rt_graph *graph,
                  const struct rt_plan_options *options, struct rt_error *err)
{
    struct plan *plan;
    int rc;

    RT_TRY(rt_alloc(&plan, 1, sizeof *plan, "a plan", err));
    plan->memory_bytes = sizeof *plan;
    if ((rc = rt_host_plan_init(&plan->host, device, graph, options, step, err)) ||
        (rc = plan_all(plan, err))) {
        free_plan(&plan->base);
        return rc;
    }
    *out = &plan->base;
    return RT_OK;
}

static size_t memory_bytes(const struct rt_plan *base)
{
    return ((const struct plan *)base)->memory_bytes + rt_host_memory_bytes(&((const struct plan *)base)->host);
}

static int open_device(struct rt_device **device, const struct rt_device_options *options, struct rt_error *err)
{
    return rt_host_open(device, sizeof(struct rt_host_device), options, err);
}

const struct rt_engine RT_REFERENCE_ENGINE = {
    .name = RT_REFERENCE_ENGINE_NAME,
    .device = "cpu",
    .real_size = sizeof(real),
    .precisions = 1u << RT_PRECISION_FP32,
    .precision = RT_PRECISION_FP32,
    .count = rt_host_count,
    .open = open_device,
    .close = rt_host_close,
    .store = rt_host_store,
    .drop = rt_host_drop,
    .create = create,
    .free = free_plan,
    .begin = rt_host_begin,
    .advance = rt_host_advance,
    .collect = rt_host_collect,
    .write = write_state,
    .read = read_state,
    .probe = probe,
    .stride = rt_host_stride,
    .memory_bytes = memory_bytes,
};
