/* Engines do the computation. An engine opens devices; a device holds stores (data sets) and plans (networks
 * bound to kernels and memory, each with a queue of its own); a plan works through passes (an epoch, an
 * evaluation), batch by batch: begin, advance (enqueue some), collect (wait for the oldest).
 *
 * Memory is planned once: after rt_plan_create no call allocates (but the first begin of a pass that
 * differentiates, on a device whose kernels are compiled). All numbers that cross this border are in
 * PyTorch's layout (images [n, c, h, w], tensors as named in the graph), whatever an engine uses inside. The
 * type of a number ("real") is float, but double for the engine rt_engine_reference_f64.
 *
 * Callers use the rt_device_*, rt_store_* and rt_plan_* functions below (engine.c): they check the contract,
 * for every engine alike, before the engine's own functions in struct rt_engine are called. Statuses:
 * RT_ECONFIG for what was asked and cannot be had, RT_EMEMORY, RT_EDATA, RT_EDEVICE when a device failed. */
#ifndef RT_ENGINE_ENGINE_H
#define RT_ENGINE_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "config/devices.h"
#include "data/dataset.h"
#include "engine/optimizer.h"
#include "net/graph.h"

struct rt_device; /* cores and an instruction set, or a GPU; shared by stores and plans */
struct rt_store;  /* a data set's images and labels on a device; read-only, shared by plans */
struct rt_plan;   /* a network bound to kernels and memory of a device, with its own queue */

struct rt_device_options {
    int threads; /* CPU engines: size of the team, 0: one per usable core; after open, the number. Others: 1 */
    int ordinal; /* which of the engine's devices ("cuda:1"); CPU: 0 */
};

struct rt_plan_options {
    int batch_max;       /* the largest batch size to be used, >= 1 */
    size_t pass_max;     /* the most images in any pass; 0: batch_max */
    bool training;       /* false: evaluation passes only, no gradients kept */
    bool input_gradient; /* rt_plan_probe also computes dx */
    bool winograd;       /* native: may use Winograd's algorithm where it fits (config key `winograd`) */
    bool profile;        /* measure the time of each stage for rt_plan_profile */
    uint64_t seed;       /* of dropout's masks */
    enum rt_precision precision;
    const struct rt_optimizer *optimizer; /* of a training plan; null there: SGD */
    struct rt_plan *parameters_of; /* evaluate this plan's tensors (same graph and device), as they are when a
                                      pass advances; null: own ones. Must outlive the plan. */
};

enum rt_pass_kind {
    RT_PASS_TRAIN,         /* forward, loss, backward, update */
    RT_PASS_DIFFERENTIATE, /* without the update: the last batch's gradients are left for rt_plan_read */
    RT_PASS_EVALUATE,      /* forward, with running statistics and without dropout; no tensor changes */
};

/* One epoch, or an evaluation, or a part of either. */
struct rt_pass {
    enum rt_pass_kind kind;
    const struct rt_store *store; /* of the plan's device; must outlive the pass */
    const uint32_t *order;        /* [count] the images' numbers, copied by begin; null: first_image and on */
    size_t first_image;           /* where order is null: the pass is of images first_image .. + count - 1 */
    const struct rt_crop *crops;  /* [count] in the order of `order`, copied by begin; null: the central crop */
    size_t count;                 /* 1 .. pass_max; also images of batches before `first` */
    int batch_size;               /* 1 .. batch_max; the last batch has the remainder */
    int first;                    /* the first batch to run (an epoch that is resumed), 0-based */
    uint64_t serial;              /* of that batch: training steps before it, the index of dropout's masks */
    struct rt_update update;      /* TRAIN: learning rate and so on (engine/optimizer.h) */
    bool outcomes; /* each image's outcome will be collected; false: none is computed or copied */
};

/* What an image came to, as it was presented. The margin is Pleiss et al.'s (2020): the given label's logit
 * minus the largest of the others that is a number; NaN where the label's own is none, infinite without others.
 */
struct rt_image_outcome {
    float loss;        /* cross-entropy of the given label */
    float probability; /* of the given label, by softmax */
    float margin;
    uint8_t predicted; /* class of the largest logit: the first of equals; 0 where all are NaN */
    bool right;        /* it is the given label's; a NaN never is */
    uint8_t unused[2]; /* 0 */
};

/* What batches came to. */
struct rt_step {
    double loss_sum; /* sum of the images' cross-entropies: mean loss times count */
    long correct; /* images whose largest logit is the label's: the first of equals counts, a NaN never does */
    long count;   /* images */
};

/* The time that one stage has taken so far: a node, or several run as one; or one kernel of a node. */
struct rt_stage_time {
    const struct rt_node *node; /* the first */
    const char *kernel;         /* its name; null: the stage is all of the node's */
    double forward_s, backward_s;
    uint64_t multiply_adds; /* of the images seen: forward, or with `kernel` that one's own */
};

/* What a device reached in small kernels of its own, for what steps take to be held against. */
struct rt_ceilings {
    double bytes_per_s;                        /* of its memory, read and written; 0: not measured */
    double fp32_flops, tf32_flops, bf16_flops; /* of products, a second; a multiply-add is two */
    double launch_s;                           /* from one kernel to the next in a graph, both empty */
};

/* What a training step of a full batch does, for its time to be held against the ceilings. */
struct rt_step_work {
    int launches; /* of kernels */
    double bytes; /* that these read and write, each value once a kernel: an estimate, as caches are left out */
};

enum rt_state {
    RT_STATE_TENSOR,    /* the tensor itself: parameter or buffer */
    RT_STATE_GRADIENT,  /* of a parameter, after RT_PASS_DIFFERENTIATE or rt_plan_probe */
    RT_STATE_OPTIMIZER, /* + k: the optimiser's k-th state of a parameter ("momentum") */
};

/* An engine: each is one folder and one line in RT_ENGINES. engine.c has checked all arguments. */
struct rt_engine {
    const char *name;                   /* --engine */
    const char *device;                 /* "cpu", "cuda": its name in --device and in the config key `device` */
    size_t real_size;                   /* sizeof(float), or sizeof(double) */
    unsigned precisions;                /* bit 1 << RT_PRECISION_x for each that it computes in */
    enum rt_precision precision;        /* where none is asked for */
    int (*count)(struct rt_error *err); /* devices that can be used; 0 with the reason in err (one line) */
    /* Whether the ordinal-th of them can train, without opening it: what it is in words[size], or one line that
     * says what is missing; null: it can. For `auto`. */
    int (*check)(int ordinal, char *words, size_t size, struct rt_error *err);
    int (*open)(struct rt_device **device, const struct rt_device_options *options, struct rt_error *err);
    void (*close)(struct rt_device *device);
    /* Data sets whose `pixels` or `noise` are at the same address have the same images (data/shared.h): an
     * engine with memory of its own keeps them there once. */
    int (*store)(struct rt_store **store, struct rt_device *device, const struct rt_dataset *dataset,
                 struct rt_error *err);
    void (*drop)(struct rt_store *store);
    int (*create)(struct rt_plan **plan, struct rt_device *device, const struct rt_graph *graph,
                  const struct rt_plan_options *options, struct rt_error *err);
    void (*free)(struct rt_plan *plan);
    /* plan->pass, ->batches, ->advanced and ->collected are the new pass's already; order and crops are only in
     * `pass`. Work of the previous pass that was advanced but not collected is still done. */
    int (*begin)(struct rt_plan *plan, const struct rt_pass *pass, struct rt_error *err);
    /* Enqueues batches plan->advanced .. + batches - 1 of the pass; never past its end. Must not wait; an
     * engine of the caller's own cores does the work here. */
    void (*advance)(struct rt_plan *plan, int batches);
    /* Waits for batch plan->collected and adds its results to *step. outcomes: [its count], or null; never in a
     * pass without them. */
    int (*collect)(struct rt_plan *plan, struct rt_step *step, struct rt_image_outcome *outcomes,
                   struct rt_error *err);
    /* Both wait for all batches advanced so far. */
    int (*write)(struct rt_plan *plan, enum rt_state state, int tensor, const void *values,
                 struct rt_error *err);
    int (*read)(struct rt_plan *plan, enum rt_state state, int tensor, void *values, struct rt_error *err);
    int (*probe)(struct rt_plan *plan, const void *x, int count, void *y, const void *dy, void *dx,
                 struct rt_error *err);
    int (*stride)(
        const struct rt_plan *plan); /* batches worth having in flight: 1 on a CPU, about 64 on a GPU */
    size_t (*memory_bytes)(const struct rt_plan *plan);
    const char *(*target)(const struct rt_device *device); /* null: "portable" */
    /* Memory, driver and so on in words[size], for `rethink devices`; null: nothing beyond the target. */
    void (*describe)(const struct rt_device *device, char *words, size_t size);
    bool (*profile)(const struct rt_plan *plan, int index, struct rt_stage_time *time); /* null: keeps none */
    bool profile_slows; /* plans made with options.profile run in another way: time steps without it */
    bool (*work)(const struct rt_plan *plan, struct rt_step_work *work); /* null: not counted */
    size_t (*room)(const struct rt_device *device); /* bytes of its memory that are free; null: the system's */
    /* Takes some tenths of a second; null: measured by other means (bench/peak.h). */
    int (*ceilings)(struct rt_device *device, struct rt_ceilings *ceilings, struct rt_error *err);
};

/* The first members of every engine's device, store and plan. Engines allocate them zeroed; rt_device_open,
 * rt_store_create and rt_plan_create fill in what is here, before create returns only what is marked so. */
struct rt_device {
    const struct rt_engine *engine;
    struct rt_device_options options;
};

struct rt_store {
    struct rt_device *device;
    const struct rt_dataset *dataset; /* must outlive the store */
    size_t count;                     /* images: training first, then test */
    int classes;                      /* one more than the largest label */
};

struct rt_plan {
    struct rt_device *device;       /* the engine's create sets these three first */
    const struct rt_graph *graph;   /* must outlive the plan */
    struct rt_plan_options options; /* with pass_max, optimizer and precision resolved */
    struct rt_pass pass;            /* the last pass begun; order and crops null */
    int batches;                    /* of the whole pass */
    int advanced, collected;        /* the next batch to be: both begin at pass.first */
    struct rt_error failure;        /* what the device reported; every later call returns it */
};

/* X(name, what it is, for --help); its word of --device is in struct rt_engine. */
#define RT_ENGINES(X)                                                                                          \
    X(native, "for this processor's instruction set")                                                          \
    X(reference, "each op as its formula, slow")                                                               \
    X(cuda, "on an NVIDIA GPU")

#define RT_ENGINE_DECLARE(name, help) extern const struct rt_engine rt_engine_##name;
RT_ENGINES(RT_ENGINE_DECLARE)
#undef RT_ENGINE_DECLARE

/* The reference engine in double precision, for finite differences; not offered on the command line. It takes
 * images that need no normalisation (rt_dataset.noise, order and crops null) as doubles. */
extern const struct rt_engine rt_engine_reference_f64;

extern const struct rt_engine *const rt_engines[];        /* in the list's order, ended by null */
const struct rt_engine *rt_engine_find(const char *name); /* null if there is none */

/* Which engine computes, and on which of its devices: `engine` is a name or null, `device` "auto", "cpu",
 * "cuda", "cuda:1", or null (any that the engine has). auto: the first device that is not the CPU and can
 * train, else the first engine's; the log says which, and why no other. RT_ECONFIG: no such engine or device in
 * this build, none that can be used (with the driver's reason), or the two do not go together. */
int rt_engine_choose(const struct rt_engine **out, int *ordinal, const char *engine, const char *device,
                     struct rt_error *err);

/* "fp32" <-> RT_PRECISION_FP32. RT_ECONFIG: no such word. */
const char *rt_precision_word(enum rt_precision precision);
int rt_precision_find(enum rt_precision *precision, const char *word, struct rt_error *err);

/* RT_ECONFIG, RT_EUSAGE (threads), RT_EMEMORY. *device is null after an error; so with the other two. */
int rt_device_open(struct rt_device **device, const struct rt_engine *engine,
                   const struct rt_device_options *options, struct rt_error *err);
void rt_device_close(struct rt_device **device); /* after its stores and plans */
const char *
rt_device_target(const struct rt_device *device); /* "avx2", "NVIDIA H100, sm_90"; "portable": any */

/* Bytes of the device's own memory that are free; 0: it has none of its own. */
size_t rt_device_room(const struct rt_device *device);

int rt_store_create(struct rt_store **store, struct rt_device *device, const struct rt_dataset *dataset,
                    struct rt_error *err);
void rt_store_free(struct rt_store **store);

/* Chooses kernels and plans memory. Errors: RT_ECONFIG (an op without a kernel, a shape or precision it cannot
 * take), RT_EMEMORY. Tensors start at zero: rt_plan_initialize or rt_plan_write them. */
int rt_plan_create(struct rt_plan **plan, struct rt_device *device, const struct rt_graph *graph,
                   const struct rt_plan_options *options, struct rt_error *err);
void rt_plan_free(struct rt_plan **plan);

/* Initial values from a seed (rt_graph_initialize); optimiser states 0. Errors: RT_EMEMORY, RT_EDEVICE. */
int rt_plan_initialize(struct rt_plan *plan, uint32_t seed, struct rt_error *err);

/* Copy one tensor's state in or out, tensor->count reals (RT_TENSOR_BATCHES: one int64_t), after all that was
 * advanced. Refused (RT_ECONFIG): a tensor that is not there; gradients and optimiser states of anything but
 * the parameters of a training plan. */
int rt_plan_write(struct rt_plan *plan, enum rt_state state, int tensor, const void *values,
                  struct rt_error *err);
int rt_plan_read(struct rt_plan *plan, enum rt_state state, int tensor, void *values, struct rt_error *err);

/* A pass begins. One before it that is not collected to its end is abandoned: what was advanced is done, what
 * it came to is lost. A pass that is refused leaves that one as it is; after any other error none is under way,
 * and there is nothing to advance or collect. */
int rt_plan_begin(struct rt_plan *plan, const struct rt_pass *pass, struct rt_error *err);

/* Enqueues the next `batches`, at most what is left; returns how many. */
int rt_plan_advance(struct rt_plan *plan, int batches);

/* Waits for the oldest batch in flight and adds to *step; outcomes: null, or, in a pass that has them, room for
 * the batch's images, in the pass's order. Errors of the device surface here, in rt_plan_read and in
 * rt_plan_write; then every later call on the plan returns them. */
int rt_plan_collect(struct rt_plan *plan, struct rt_step *step, struct rt_image_outcome *outcomes,
                    struct rt_error *err);

int rt_plan_in_flight(const struct rt_plan *plan); /* advanced and not collected */
int rt_plan_left(const struct rt_plan *plan);      /* batches of the pass not yet advanced */
int rt_plan_stride(const struct rt_plan *plan);    /* batches worth having in flight, >= 1 */

/* For tests of ops and parts of networks, whose graph need not end in a loss: y = graph(x); then, if dy is
 * given (training plans only), the gradients of sum(y * dy): parameters' for rt_plan_read and the input's in dx
 * (which needs options.input_gradient; may be null). x and dx: [count, input's shape], y and dy: [count, last
 * node's]. RT_ECONFIG, RT_EDEVICE. */
int rt_plan_probe(struct rt_plan *plan, const void *x, int count, void *y, const void *dy, void *dx,
                  struct rt_error *err);

/* The index-th stage's time since the plan was made, on the caller's clock; false past the last, and for plans
 * made without options.profile or by an engine that keeps none. */
bool rt_plan_profile(const struct rt_plan *plan, int index, struct rt_stage_time *time);

/* Of a training plan's step; false where the engine does not count it. */
bool rt_plan_step_work(const struct rt_plan *plan, struct rt_step_work *work);

/* Bytes of the plan's own memory: tensors, optimiser states, activations, gradients, scratch, a pass's order.
 */
size_t rt_plan_memory_bytes(const struct rt_plan *plan);

#endif
