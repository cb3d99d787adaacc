/* The reference engine's plan: one buffer for each node's values, one for its gradient, nothing shared or
 * reused; single-threaded. Slow on purpose where that keeps it plain: it is what the native engine is held
 * against. */
#include <assert.h>
#include <limits.h>
#include <string.h>

#include "base/memory.h"
#include "engine/engine.h"
#include "engine/reference/kernels.h"
#include "net/dropout.h"
#include "net/ops.h"

#define RT_REFERENCE_ADDRESS(name) &RT_REFERENCE_KERNEL(name),
static const struct rt_reference_kernel *const kernels[] = {RT_REFERENCE_KERNELS(RT_REFERENCE_ADDRESS)};
#undef RT_REFERENCE_ADDRESS

/* A node's share of the plan. Gradient and kept are null where not needed. */
struct node_plan {
    const struct rt_reference_kernel *kernel;
    real *value, *gradient, *kept;
};

/* A tensor's numbers. Gradient and momentum are null unless it is a parameter of a training plan. */
struct tensor_plan {
    real *value, *gradient, *momentum;
    int64_t batches; /* RT_TENSOR_BATCHES has this instead of a value */
};

struct plan {
    struct rt_plan base;
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
    return rt_fail(err, RT_ECONFIG, "engine %s has no kernel for %s", plan->base.engine->name,
                   rt_node_label(node, label));
}

/* Whether the loss's gradient by the node's output is of use: a parameter or a wanted input lies before it. */
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
    RT_TRY(allocate(plan, &tp->gradient, t->count, t->name, err));
    return allocate(plan, &tp->momentum, t->count, t->name, err);
}

static int share_tensors(struct plan *plan, const struct rt_plan *other, struct rt_error *err)
{
    const struct rt_plan *self = &plan->base;

    if (other->engine != self->engine || other->graph != self->graph)
        return rt_fail(err, RT_ECONFIG, "engine %s: plans share tensors only of one network on one engine",
                       self->engine->name);
    if (self->options.training && !other->options.training)
        return rt_fail(err, RT_ECONFIG,
                       "engine %s: a training plan cannot use the tensors of an evaluating one",
                       self->engine->name);
    plan->tensors = ((const struct plan *)other)->tensors;
    return RT_OK;
}

static int plan_all(struct plan *plan, struct rt_error *err)
{
    const struct rt_graph *graph = plan->base.graph;

    RT_TRY(rt_alloc(&plan->nodes, (size_t)graph->node_count, sizeof *plan->nodes, "a plan's nodes", err));
    for (int i = 0; i < graph->node_count; i++)
        RT_TRY(plan_node(plan, &graph->nodes[i], err));
    if (plan->base.options.parameters_of)
        return share_tensors(plan, plan->base.options.parameters_of, err);
    RT_TRY(
        rt_alloc(&plan->tensors, (size_t)graph->tensor_count, sizeof *plan->tensors, "a plan's tensors", err));
    for (int i = 0; i < graph->tensor_count; i++)
        RT_TRY(plan_tensor(plan, i, err));
    return RT_OK;
}

static void free_plan(struct rt_plan *base)
{
    struct plan *plan = (struct plan *)base;

    for (int i = 0; plan->nodes && i < base->graph->node_count; i++) {
        rt_free(&plan->nodes[i].value);
        rt_free(&plan->nodes[i].gradient);
        rt_free(&plan->nodes[i].kept);
    }
    rt_free(&plan->nodes);
    for (int i = 0; plan->tensors && !base->options.parameters_of && i < base->graph->tensor_count; i++) {
        rt_free(&plan->tensors[i].value);
        rt_free(&plan->tensors[i].gradient);
        rt_free(&plan->tensors[i].momentum);
    }
    if (!base->options.parameters_of)
        rt_free(&plan->tensors);
    rt_free(&plan);
}

static int create_plan(struct rt_plan **out, const struct rt_graph *graph,
                       const struct rt_plan_options *options, struct rt_error *err)
{
    struct plan *plan;
    int rc;

    RT_TRY(rt_alloc(&plan, 1, sizeof *plan, "a plan", err));
    plan->base = (struct rt_plan){&RT_REFERENCE_ENGINE, graph, *options};
    plan->memory_bytes = sizeof *plan;
    if ((rc = plan_all(plan, err))) {
        free_plan(&plan->base);
        return rc;
    }
    *out = &plan->base;
    return RT_OK;
}

/* The numbers that `state` of `tensor` means. */
static real *state_of(const struct plan *plan, enum rt_state state, int tensor)
{
    const struct tensor_plan *tp = &plan->tensors[tensor];
    real *values = state == RT_STATE_TENSOR     ? tp->value
                   : state == RT_STATE_MOMENTUM ? tp->momentum
                                                : tp->gradient;

    assert(values); /* momentum and gradients are of a training plan's parameters */
    return values;
}

static void import_state(struct rt_plan *base, enum rt_state state, int tensor, const void *values)
{
    const struct rt_tensor *t = &base->graph->tensors[tensor];
    struct plan *plan = (struct plan *)base;

    if (t->role == RT_TENSOR_BATCHES)
        memcpy(&plan->tensors[tensor].batches, values, sizeof(int64_t));
    else
        memcpy(state_of(plan, state, tensor), values, t->count * sizeof(real));
}

static void export_state(const struct rt_plan *base, enum rt_state state, int tensor, void *values)
{
    const struct rt_tensor *t = &base->graph->tensors[tensor];
    const struct plan *plan = (const struct plan *)base;

    if (t->role == RT_TENSOR_BATCHES)
        memcpy(values, &plan->tensors[tensor].batches, sizeof(int64_t));
    else
        memcpy(values, state_of(plan, state, tensor), t->count * sizeof(real));
}

static struct rt_reference_call call_of(const struct plan *plan, const struct rt_node *node,
                                        const struct rt_batch *batch, bool training)
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

static void forward(const struct plan *plan, const struct rt_batch *batch, bool training)
{
    const struct rt_graph *graph = plan->base.graph;

    assert(batch->count >= 1 && batch->count <= plan->base.options.batch_max);
    memcpy(plan->nodes[0].value, batch->images,
           (size_t)batch->count * rt_shape_count(graph->nodes[0].shape) * sizeof(real));
    for (int i = 0; i < graph->node_count; i++) {
        const struct rt_reference_call call = call_of(plan, &graph->nodes[i], batch, training);

        plan->nodes[i].kernel->forward(&call);
    }
}

/* From the last node's gradient, already in its buffer, to all others. */
static void backward(const struct plan *plan, const struct rt_batch *batch)
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

/* v = momentum v + g + weight_decay w, w -= learning_rate v */
static void update(const struct plan *plan, const struct rt_sgd *sgd)
{
    const real rate = (real)sgd->learning_rate, momentum = (real)sgd->momentum, decay = (real)sgd->weight_decay;

    for (int i = 0; i < plan->base.graph->tensor_count; i++) {
        const struct tensor_plan *tp = &plan->tensors[i];

        for (size_t j = 0; j < plan->base.graph->tensors[i].count && tp->momentum; j++) {
            tp->momentum[j] = momentum * tp->momentum[j] + (tp->gradient[j] + decay * tp->value[j]);
            tp->value[j] -= rate * tp->momentum[j];
        }
    }
}

/* The class of the largest logit, the first of equals. */
static uint8_t predicted(const real *logits, int classes)
{
    int best = 0;

    for (int j = 1; j < classes; j++)
        if (logits[j] > logits[best])
            best = j;
    return (uint8_t)best;
}

static void measure(const struct plan *plan, const struct rt_batch *batch, struct rt_metrics *metrics,
                    uint8_t *predictions)
{
    const struct rt_graph *graph = plan->base.graph;
    const struct rt_node *loss = &graph->nodes[graph->node_count - 1];
    const int classes = rt_node_input(graph, loss, 0)->shape.channels;
    const real *logits = plan->nodes[loss->inputs[0]].value;

    assert(loss->op == &rt_op_softmax_cross_entropy);
    for (int n = 0; n < batch->count; n++) {
        const uint8_t class = predicted(logits + n * classes, classes);

        metrics->loss_sum += (double)plan->nodes[loss->id].value[n];
        metrics->correct += class == batch->labels[n];
        if (predictions)
            predictions[n] = class;
    }
}

static void train(struct rt_plan *base, const struct rt_batch *batch, const struct rt_sgd *sgd,
                  struct rt_metrics *metrics)
{
    struct plan *plan = (struct plan *)base;
    real *gradient = plan->nodes[base->graph->node_count - 1].gradient;

    assert(base->options.training);
    forward(plan, batch, true);
    measure(plan, batch, metrics, NULL);
    for (int n = 0; n < batch->count; n++)
        gradient[n] = 1 / (real)batch->count; /* of the mean loss by each image's */
    backward(plan, batch);
    if (sgd)
        update(plan, sgd);
}

static void evaluate(struct rt_plan *base, const struct rt_batch *batch, struct rt_metrics *metrics,
                     uint8_t *predictions)
{
    forward((struct plan *)base, batch, false);
    measure((struct plan *)base, batch, metrics, predictions);
}

static void probe(struct rt_plan *base, const void *x, int count, void *y, const void *dy, void *dx)
{
    struct plan *plan = (struct plan *)base;
    const struct rt_batch batch = {.images = x, .count = count};
    const struct rt_node *last = &base->graph->nodes[base->graph->node_count - 1];
    const size_t y_size = (size_t)count * rt_shape_count(last->shape) * sizeof(real);

    forward(plan, &batch, base->options.training);
    memcpy(y, plan->nodes[last->id].value, y_size);
    if (!dy)
        return;
    assert(base->options.training);
    memcpy(plan->nodes[last->id].gradient, dy, y_size);
    backward(plan, &batch);
    if (dx)
        memcpy(dx, plan->nodes[0].gradient,
               (size_t)count * rt_shape_count(base->graph->nodes[0].shape) * sizeof(real));
}

static size_t memory_bytes(const struct rt_plan *base)
{
    return ((const struct plan *)base)->memory_bytes;
}

const struct rt_engine RT_REFERENCE_ENGINE = {
    .name = RT_REFERENCE_ENGINE_NAME,
    .help = "each op as its formula, in plain C; slow, for checking",
    .real_size = sizeof(real),
    .create = create_plan,
    .free = free_plan,
    .import = import_state,
    .export = export_state,
    .train = train,
    .evaluate = evaluate,
    .probe = probe,
    .memory_bytes = memory_bytes,
};
