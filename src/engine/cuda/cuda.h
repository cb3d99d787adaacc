/* Internals of the CUDA engine. A plan is a list of kernel launches, lowered once from the graph (build.c,
 * lower/), captured as CUDA graphs of one step and of several, and replayed (pass.c). Activations are NHWC
 * with a leading dimension `ld` (elements from pixel to pixel); inputs of a concatenation are views into its
 * output; a ReLU behind a convolution, linear layer or batch norm is fused into its kernels. Images beyond the
 * batch's count are neither read nor written. An element of activations and their gradients is a float, in
 * plans of bf16 a bfloat16 (kernels/element.h); all else is float32, and there each weight has a copy of
 * elements besides. */
#ifndef RT_ENGINE_CUDA_CUDA_H
#define RT_ENGINE_CUDA_CUDA_H

#include <pthread.h>

#include "engine/cuda/driver.h"
#include "engine/cuda/gemm.h"
#include "engine/cuda/kernels/pass.h"
#include "engine/engine.h"
#include "net/ops.h"

/* ---- device and store ---- */

struct rt_cuda_module {
    char key[65];
    rt_cu_module module;
};

struct rt_cuda_device {
    struct rt_device base;
    const struct rt_cu *cu;
    rt_cu_device handle;
    rt_cu_context context;
    int arch; /* compute capability, 90: 9.0 */
    int multiprocessors;
    size_t shared_max, memory; /* bytes: shared memory per block; of the device */
    char name[96], target[128];
    pthread_mutex_t lock; /* guards the modules */
    struct rt_cuda_module *modules;
    int module_count;
    pthread_mutex_t images_lock;
    struct rt_cuda_images *images; /* a list of all stores' images, guarded by images_lock */
};

struct rt_cuda_store {
    struct rt_store base;
    struct rt_cuda_images *images; /* which own `pixels` */
    rt_cu_pointer pixels, labels;
};

/* ---- launches ---- */

/* Which passes and probes a launch is part of; a step runs the launches of its modes, in list order. */
enum rt_cuda_mode {
    RT_CUDA_GATHERS = 1 << 0,         /* passes: gather the batch from the store */
    RT_CUDA_TRAINS = 1 << 1,          /* forward, training: batch statistics, dropout */
    RT_CUDA_EVALUATES = 1 << 2,       /* forward, inference: running statistics */
    RT_CUDA_TRAINING_LOSS = 1 << 3,   /* training passes: loss, its gradient, metrics */
    RT_CUDA_EVALUATION_LOSS = 1 << 4, /* evaluating passes: loss and metrics */
    RT_CUDA_BACKWARD = 1 << 5,
    RT_CUDA_UPDATES = 1 << 6,     /* backward of training passes: parameters are updated */
    RT_CUDA_KEEPS = 1 << 7,       /* backward of others: parameters' gradients are written */
    RT_CUDA_PROBE_IN = 1 << 8,    /* a probe's x to the device's layout */
    RT_CUDA_PROBE_OUT = 1 << 9,   /* its y from it */
    RT_CUDA_PROBE_BACK = 1 << 10, /* its dy to it */
    RT_CUDA_PROBE_DX = 1 << 11,   /* its dx from it */
};

enum { RT_CUDA_ARGUMENTS_MAX = 16, RT_CUDA_TICKETS = 256, RT_CUDA_BUFFERS = 3 };

/* A kernel argument: an integer or an address. Addresses in the plan's memory are offsets until plan.c binds
 * them. */
struct rt_cuda_argument {
    uint64_t value;
    bool offset;    /* into the plan's memory */
    bool scratch;   /* the stream's workspace */
    bool kept_only; /* null unless gradients are written (RT_CUDA_KEEPS) */
    int buffer;     /* 1 + index of the buffer it points into; 0: none */
};

/* An intermediate of a step: a buffer that may share memory with others (memory.c). */
struct rt_cuda_buffer {
    size_t reserved; /* unique offset while the plan is built, bytes */
    size_t place;    /* offset in the plan's memory, shared with buffers of disjoint lifetimes */
    size_t bytes;
    int first, last; /* lifetime, as launch indices; last = launch count: to the end of the step, -1: unused */
};

struct rt_cuda_launch {
    struct rt_cuda_kernel kernel;
    const struct rt_node *node;
    unsigned modes;
    int argument_count;
    struct rt_cuda_argument arguments[RT_CUDA_ARGUMENTS_MAX];
    rt_cu_function function; /* null until loaded */
    bool side;               /* on the side stream, which is joined at the end of the step ... */
    bool fork;               /* ... after waiting for all launches before this one */
};

/* A tensor view: a node's activations or their gradient. */
struct rt_cuda_view {
    size_t offset; /* reserved offset, bytes; 0: none */
    int ld;        /* elements from pixel to pixel */
    int channel;   /* index of the first channel within the underlying pixel (for alignment) */
};

struct rt_cuda_value {
    struct rt_cuda_view data, gradient;
    bool needs_gradient;         /* the gradient is needed */
    int consumers;               /* consumers, also through an aliasing flatten */
    int written;                 /* gradient contributions emitted so far; the first overwrites */
    bool masked;                 /* ... and the last one masked it by the fused ReLU */
    struct rt_cuda_view pending; /* ... and this gradient still has to be added or copied */
    bool relu_fused;             /* its only consumer, a ReLU, is fused into its kernel; both share views */
    int producer;                /* of a fused ReLU: the node it is fused into; else -1 */
    bool placed;                 /* data is a view into a concatenation */
    bool shared;                 /* gradient is a view into a concatenation's, or aliases a sum's */
    bool common;                 /* ... that other consumers read too: not to be modified in place */
    bool alias;                  /* a flatten without a copy: it aliases its input */
    bool dense;                  /* ld must equal the channels: a linear layer reads the map as one row */
    size_t saved;                /* saved for the backward pass: reserved offset; 0: nothing */
};

/* A parameter or running statistic in device memory. Weights are [kernel][kernel][in][out]. */
struct rt_cuda_tensor {
    rt_cu_pointer value, states, gradient; /* 0: none; states: of the optimiser, plan->state_bytes apart */
    rt_cu_pointer stored; /* in plans of bf16 a weight's elements, which products read; else 0 */
    struct rt_shape map;  /* linear weight: the input map; conv: {in, kernel, kernel}; else {0} */
};

enum { RT_CUDA_EVENTS = 64, RT_CUDA_STEPS = 8 };

/* The captured graphs of a kind of pass. */
struct rt_cuda_graph {
    rt_cu_graph_exec one, several; /* of 1 and of RT_CUDA_STEPS steps */
};

/* Times per launch, with options.profile (profile.c). */
struct rt_cuda_profile {
    struct {
        double seconds;
        uint64_t images;
    } * times;
    rt_cu_event *events; /* after each launch; [launch_count]: before the first */
    int open;            /* set once enough of a step is enqueued for the device to start it */
};

struct rt_cuda_plan {
    struct rt_plan base;
    struct rt_cuda_device *device;
    rt_cu_stream stream, side; /* main; side stream, for weight gradients */
    rt_cu_event forked, joined;
    struct rt_cuda_value *values;   /* [node_count] */
    struct rt_cuda_tensor *tensors; /* [tensor_count]; borrowed with parameters_of */
    struct rt_cuda_launch *launches;
    int launch_count, launch_room;
    struct rt_cuda_buffer *buffers; /* [node_count * RT_CUDA_BUFFERS]: activations, gradients, saved values */
    int buffer_count;
    size_t bytes;                        /* size of `memory` */
    rt_cu_pointer memory, parameters;    /* one allocation each */
    size_t parameter_bytes, state_bytes; /* state_bytes: between a tensor and its states */
    /* offsets in it */
    size_t pass_offset, labels, order, crops, probe_x, probe_y, tickets;
    size_t scratch[2], scratch_bytes[2]; /* workspaces of the main and the side stream */
    bool emit_side, emit_fork;           /* what the next launch to be appended is; the fork once */
    struct rt_cuda_pass *host_pass;      /* pinned: what begin uploads */
    uint32_t *host_order;                /* pinned [pass_max] */
    struct rt_cuda_crop *host_crops;     /* pinned [pass_max] */
    struct rt_cuda_record *records;      /* pinned and mapped [pass_max] */
    struct rt_cuda_outcome *outcomes;    /* pinned and mapped [pass_max]; written where pass.outcomes */
    void *pinned;
    rt_cu_pointer pinned_device;
    size_t pinned_bytes;
    struct rt_cuda_graph graphs[3];  /* by rt_pass_kind */
    struct rt_cuda_profile *profile; /* times of launches, which then run without graphs; else null */
    rt_cu_event events[RT_CUDA_EVENTS];
    int event_batch[RT_CUDA_EVENTS]; /* the batches that are done when the event is, as a count */
    int event_first, event_count;    /* ring buffer */
    int done;                        /* batches known to be complete */
    struct rt_error late;            /* of an enqueuing call; reported by the next call that waits */
};

/* Makes the device's context current in this thread. RT_EDEVICE. */
static inline int rt_cuda_enter(const struct rt_cuda_device *device, struct rt_error *err)
{
    return RT_CU_CALL(device->cu, context_set, (device->context), "cannot use the device", err);
}

/* Loads the kernels of the launches of `modes` (launch->function), compiling those not cached. RT_ECONFIG: no
 * compiler or a compile error; RT_EDEVICE, RT_EMEMORY. Thread-safe. */
int rt_cuda_load(struct rt_cuda_device *device, struct rt_cuda_launch *launches, int count, unsigned modes,
                 struct rt_error *err);
void rt_cuda_unload(struct rt_cuda_device *device);

/* ---- building (launches.c, build.c) ---- */

/* Reserves `bytes`, aligned to 256, for an intermediate of a step. Returns its offset, never 0, valid in
 * arguments: rt_cuda_share_memory relocates it. At most RT_CUDA_BUFFERS per node. */
size_t rt_cuda_reserve(struct rt_cuda_plan *plan, size_t bytes);
/* As above for what persists across steps or is addressed by the host; never relocated. Called before all
 * rt_cuda_reserve, or after rt_cuda_share_memory. */
size_t rt_cuda_reserve_lasting(struct rt_cuda_plan *plan, size_t bytes);
/* Overlays buffers of disjoint lifetimes; called once all launches are emitted. */
int rt_cuda_share_memory(struct rt_cuda_plan *plan, struct rt_error *err);
/* Grows the current stream's workspace, which its launches use one after the other, to `bytes`. */
void rt_cuda_reserve_scratch(struct rt_cuda_plan *plan, size_t bytes);

struct rt_cuda_argument rt_cuda_at(size_t offset);        /* in the plan's memory; 0: a null pointer */
struct rt_cuda_argument rt_cuda_absolute(uint64_t value); /* an address or an integer */
struct rt_cuda_argument rt_cuda_kept(uint64_t address);   /* null unless gradients are written */
struct rt_cuda_argument rt_cuda_scratch(void);
struct rt_cuda_argument rt_cuda_pass_argument(const struct rt_cuda_plan *plan);

/* Appends a launch of `kernel` (copied, with the plan's elements as an option) with `count` arguments (at most
 * RT_CUDA_ARGUMENTS_MAX). RT_EMEMORY. */
int rt_cuda_emit(struct rt_cuda_plan *plan, const struct rt_node *node, unsigned modes,
                 const struct rt_cuda_kernel *kernel, const struct rt_cuda_argument *arguments, int count,
                 struct rt_error *err);
#define RT_CUDA_EMIT(plan, node, modes, kernel, err, ...)                                                      \
    rt_cuda_emit(                                                                                              \
        plan, node, modes, kernel, (const struct rt_cuda_argument[]){__VA_ARGS__},                             \
        (int)(sizeof((const struct rt_cuda_argument[]){__VA_ARGS__}) / sizeof(struct rt_cuda_argument)), err)

/* Bytes of an element of activations and their gradients. */
size_t rt_cuda_element_bytes(const struct rt_cuda_plan *plan);
/* The view of the channels of `whole` from `channel` on. */
struct rt_cuda_view rt_cuda_part(const struct rt_cuda_plan *plan, struct rt_cuda_view whole, int channel);

/* The optimiser's index; 0 in plans that do not train. */
int rt_cuda_optimizer(const struct rt_cuda_plan *plan);

/* A one-dimensional launch of `items` threads in blocks of 256. */
struct rt_cuda_kernel rt_cuda_flat(const char *source, const char *entry, size_t items)
    __attribute__((nonnull));
void rt_cuda_option(struct rt_cuda_kernel *kernel, const char *name, long value);
void rt_cuda_option_float(struct rt_cuda_kernel *kernel, const char *name, double value);

/* The producer of the node's i-th input, seen through aliasing flattens; and its value. */
const struct rt_node *rt_cuda_source(const struct rt_cuda_plan *plan, const struct rt_node *node, int i);
struct rt_cuda_value *rt_cuda_input(struct rt_cuda_plan *plan, const struct rt_node *node, int i);
/* Whether the next gradient contribution accumulates (all but the first do); counts it. */
bool rt_cuda_accumulate(struct rt_cuda_value *value);
/* Emits the copy of a pending gradient, if any. */
int rt_cuda_settle(struct rt_cuda_plan *plan, const struct rt_node *node, struct rt_error *err);
size_t rt_cuda_pixels(const struct rt_cuda_plan *plan,
                      const struct rt_node *node); /* batch_max * height * width */
int rt_cuda_build(struct rt_cuda_plan *plan, struct rt_error *err);

/* ---- one op (lower/) ---- */

struct rt_cuda_op {
    const struct rt_op *op;
    int (*forward)(struct rt_cuda_plan *plan, const struct rt_node *node, struct rt_error *err);
    int (*backward)(struct rt_cuda_plan *plan, const struct rt_node *node,
                    struct rt_error *err); /* null: none */
};

#define RT_CUDA_OP_DECLARE(name) extern const struct rt_cuda_op rt_cuda_op_##name;
RT_OPS(RT_CUDA_OP_DECLARE)
#undef RT_CUDA_OP_DECLARE

/* ---- running (pass.c, plan.c, launches.c, profile.c) ---- */

/* Of the launches of a pass's steps. */
unsigned rt_cuda_modes(enum rt_pass_kind kind);
/* Loads and captures the graphs of a kind of pass, once. */
int rt_cuda_prepare(struct rt_cuda_plan *plan, enum rt_pass_kind kind, struct rt_error *err);
int rt_cuda_begin(struct rt_plan *plan, const struct rt_pass *pass, struct rt_error *err);
void rt_cuda_advance(struct rt_plan *plan, int batches);
int rt_cuda_collect(struct rt_plan *plan, struct rt_step *step, struct rt_image_outcome *outcomes,
                    struct rt_error *err);
int rt_cuda_probe(struct rt_plan *plan, const void *x, int count, void *y, const void *dy, void *dx,
                  struct rt_error *err);
int rt_cuda_write(struct rt_plan *plan, enum rt_state state, int tensor, const void *values,
                  struct rt_error *err);
int rt_cuda_read(struct rt_plan *plan, enum rt_state state, int tensor, void *values, struct rt_error *err);
int rt_cuda_launch_one(struct rt_cuda_plan *plan, const struct rt_cuda_launch *launch, rt_cu_stream stream,
                       bool keep, struct rt_error *err);
/* Enqueues the launches of `modes` on the plan's streams, joined at the end; keep: gradients are written. */
int rt_cuda_launch_all(struct rt_cuda_plan *plan, unsigned modes, bool keep, struct rt_error *err);
/* Times of launches (profile.c); create and free do nothing without options.profile. step runs one batch of the
 * pass and waits for it. free destroys events only where the context could be entered. */
int rt_cuda_profile_create(struct rt_cuda_plan *plan, struct rt_error *err);
void rt_cuda_profile_free(struct rt_cuda_plan *plan, bool entered);
int rt_cuda_profile_step(struct rt_cuda_plan *plan, int batch, unsigned modes, bool keep, struct rt_error *err);
bool rt_cuda_profile(const struct rt_plan *plan, int index, struct rt_stage_time *time);
/* work.c: false where a kernel is not known there. */
bool rt_cuda_work(const struct rt_plan *plan, struct rt_step_work *work);
bool rt_cuda_launch_bytes(const struct rt_cuda_plan *plan, const struct rt_cuda_launch *launch, double *bytes);
int rt_cuda_ceilings(struct rt_device *device, struct rt_ceilings *ceilings,
                     struct rt_error *err); /* ceilings.c */
int rt_cuda_create_plan(struct rt_plan **plan, struct rt_device *device, const struct rt_graph *graph,
                        const struct rt_plan_options *options, struct rt_error *err);
void rt_cuda_free_plan(struct rt_plan *plan);

#endif
