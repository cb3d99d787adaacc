/* Engines: a plan binds a network to kernels and memory on one engine; then it trains and evaluates batches.
 *
 * Memory is planned once: after rt_plan_create no call allocates. All numbers that cross this border are in
 * PyTorch's layout (images [n, c, h, w], tensors as named in the graph), whatever an engine uses inside. The
 * type of a number ("real") is float, but double for the engine rt_engine_reference_f64. */
#ifndef RT_ENGINE_ENGINE_H
#define RT_ENGINE_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/thread.h"
#include "net/graph.h"

struct rt_plan;

struct rt_plan_options {
    int batch_max;        /* the largest batch that will come, >= 1 */
    bool training;        /* false: forward passes only, running statistics, no gradients kept */
    bool input_gradient;  /* also compute the loss's gradient by the input (probes in tests) */
    bool winograd;        /* native: may use Winograd's algorithm where it fits (config key `winograd`) */
    bool profile;         /* keep the time of each stage for rt_plan_profile */
    uint64_t seed;        /* of dropout's masks */
    struct rt_team *team; /* the threads to use; null: the caller's alone. Must outlive the plan. */
    struct rt_plan
        *parameters_of; /* use this plan's tensors (same graph and engine) instead of own ones, or null */
};

struct rt_batch {
    const void *images;    /* real [count, channels, height, width] */
    const uint8_t *labels; /* [count] */
    int count;             /* 1 .. batch_max */
    uint64_t serial;       /* number of training steps before this one: the index of dropout's masks */
};

/* SGD as PyTorch's: v = momentum * v + g + weight_decay * w; w -= learning_rate * v. */
struct rt_sgd {
    double learning_rate, momentum, weight_decay;
};

struct rt_metrics {
    double loss_sum; /* sum of the images' cross-entropies: mean loss times count */
    long correct;    /* images whose largest logit is the label's (the first of equals counts as largest) */
};

/* The time that one stage (a node, or several run as one) has taken so far. */
struct rt_stage_time {
    const struct rt_node *node; /* the first */
    double forward_s, backward_s;
    uint64_t multiply_adds; /* forward, of the images seen */
};

enum rt_state {
    RT_STATE_TENSOR,   /* the tensor itself: parameter or buffer */
    RT_STATE_MOMENTUM, /* v of a parameter */
    RT_STATE_GRADIENT, /* of a parameter, after rt_plan_differentiate or rt_plan_probe */
};

/* An engine: each is one folder and one line in RT_ENGINES. The functions behind the rt_plan_* calls below. */
struct rt_engine {
    const char *name; /* --engine */
    const char *help; /* one line */
    size_t real_size; /* sizeof(float), or sizeof(double) */
    int (*create)(struct rt_plan **plan, const struct rt_graph *graph, const struct rt_plan_options *options,
                  struct rt_error *err);
    void (*free)(struct rt_plan *plan);
    void (*import)(struct rt_plan *plan, enum rt_state state, int tensor, const void *values);
    void (*export)(const struct rt_plan *plan, enum rt_state state, int tensor, void *values);
    /* sgd null: gradients are left for export and nothing is updated (batch norm's statistics are). */
    void (*train)(struct rt_plan *plan, const struct rt_batch *batch, const struct rt_sgd *sgd,
                  struct rt_metrics *metrics);
    void (*evaluate)(struct rt_plan *plan, const struct rt_batch *batch, struct rt_metrics *metrics,
                     uint8_t *predictions);
    void (*probe)(struct rt_plan *plan, const void *x, int count, void *y, const void *dy, void *dx);
    size_t (*memory_bytes)(const struct rt_plan *plan);
    const char *(*isa)(const struct rt_plan *plan);                                     /* null: "portable" */
    bool (*profile)(const struct rt_plan *plan, int index, struct rt_stage_time *time); /* null: keeps none */
};

/* What every engine's plan begins with. */
struct rt_plan {
    const struct rt_engine *engine;
    const struct rt_graph *graph; /* must outlive the plan */
    struct rt_plan_options options;
};

#define RT_ENGINES(X)                                                                                          \
    X(native)                                                                                                  \
    X(reference)

#define RT_ENGINE_DECLARE(name) extern const struct rt_engine rt_engine_##name;
RT_ENGINES(RT_ENGINE_DECLARE)
#undef RT_ENGINE_DECLARE

/* The reference engine in double precision, for finite differences; not offered on the command line. */
extern const struct rt_engine rt_engine_reference_f64;

extern const struct rt_engine *const rt_engines[];        /* in the list's order, ended by null */
const struct rt_engine *rt_engine_find(const char *name); /* null if there is none */

/* Chooses kernels and plans memory. Errors: RT_ECONFIG (an op without a kernel, a shape it cannot take),
 * RT_EMEMORY. *plan is null after an error. Tensors start at zero: rt_plan_initialize or import them. */
int rt_plan_create(struct rt_plan **plan, const struct rt_engine *engine, const struct rt_graph *graph,
                   const struct rt_plan_options *options, struct rt_error *err);
void rt_plan_free(struct rt_plan **plan);

/* Initial values from a seed (rt_graph_initialize); momentum 0. */
int rt_plan_initialize(struct rt_plan *plan, uint32_t seed, struct rt_error *err);

/* Copy one tensor's state in or out, tensor->count reals (RT_TENSOR_BATCHES: one int64_t). MOMENTUM and
 * GRADIENT are of parameters only. */
void rt_plan_import(struct rt_plan *plan, enum rt_state state, int tensor, const void *values);
void rt_plan_export(const struct rt_plan *plan, enum rt_state state, int tensor, void *values);

/* One training step: forward, loss, backward, update. Adds to *metrics. */
void rt_plan_train(struct rt_plan *plan, const struct rt_batch *batch, const struct rt_sgd *sgd,
                   struct rt_metrics *metrics);

/* The same without the update: gradients of the batch's mean loss are left for rt_plan_export. */
void rt_plan_differentiate(struct rt_plan *plan, const struct rt_batch *batch, struct rt_metrics *metrics);

/* Forward with running statistics. Adds to *metrics; predictions [count] may be null. */
void rt_plan_evaluate(struct rt_plan *plan, const struct rt_batch *batch, struct rt_metrics *metrics,
                      uint8_t *predictions);

/* For tests of ops and parts of networks, whose graph need not end in a loss: y = graph(x); then, if dy is
 * given (training plans only), the gradients of sum(y * dy): parameters' for export and the input's in dx
 * (which needs options.input_gradient; may be null). x and dx: [count, input's shape], y and dy: [count, last
 * node's]. */
void rt_plan_probe(struct rt_plan *plan, const void *x, int count, void *y, const void *dy, void *dx);

/* The instruction set that the plan's kernels were built for: "avx2", ...; "portable" is any. */
const char *rt_plan_isa(const struct rt_plan *plan);

/* The index-th stage's time since the plan was made, on the caller's clock; false past the last, and for plans
 * made without options.profile or by an engine that keeps none. */
bool rt_plan_profile(const struct rt_plan *plan, int index, struct rt_stage_time *time);

/* Bytes of the plan's own memory: tensors, momentum, activations, gradients, scratch. */
size_t rt_plan_memory_bytes(const struct rt_plan *plan);

#endif
