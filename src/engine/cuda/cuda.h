/* The CUDA engine, inside. A plan is a list of launches on one stream, made once from the graph (build.c and
 * lower/), captured as CUDA graphs of one step and of several, and replayed (pass.c). Activations are
 * [image][row][column][channel] floats, `ld` floats from pixel to pixel; a concatenation's inputs lie inside
 * it; a ReLU behind a convolution, linear layer or batch norm is part of that one's kernels. Images beyond the
 * batch's count are neither read nor written. */
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
    int arch; /* 90: compute capability 9.0 */
    int multiprocessors;
    size_t shared_max, memory;
    char name[96], target[128];
    pthread_mutex_t lock; /* of the modules */
    struct rt_cuda_module *modules;
    int module_count;
    pthread_mutex_t images_lock;
    struct rt_cuda_images *images; /* of all stores */
};

struct rt_cuda_store {
    struct rt_store base;
    struct rt_cuda_images *images; /* whose pixels are */
    rt_cu_pointer pixels, labels;
};

/* ---- the program ---- */

/* What a launch is part of. */
enum rt_cuda_mode {
    RT_CUDA_GATHERS = 1 << 0,   /* passes: images from the store */
    RT_CUDA_TRAINS = 1 << 1,    /* forward, of passes and probes that train */
    RT_CUDA_EVALUATES = 1 << 2, /* forward, with running statistics */
    RT_CUDA_MEASURES = 1 << 3,  /* passes that train: loss, its gradient, metrics */
    RT_CUDA_RATES = 1 << 4,     /* passes that evaluate: loss and metrics */
    RT_CUDA_BACKWARD = 1 << 5,
    RT_CUDA_UPDATES = 1 << 6, /* backward, only where parameters are updated */
    RT_CUDA_KEEPS = 1 << 7,   /* backward, only where gradients are kept */
    RT_CUDA_PROBE_IN = 1 << 8,
    RT_CUDA_PROBE_OUT = 1 << 9,
    RT_CUDA_PROBE_BACK = 1 << 10, /* the gradient of a probe's y */
    RT_CUDA_PROBE_DX = 1 << 11,
};

enum { RT_CUDA_ARGUMENTS_MAX = 16, RT_CUDA_TICKETS = 256, RT_CUDA_BUFFERS = 3 };

/* An argument: an integer, or an address. Addresses in the plan's own memory are offsets until it is allocated.
 */
struct rt_cuda_argument {
    uint64_t value;
    bool offset;    /* in the plan's memory */
    bool scratch;   /* the shared scratch */
    bool kept_only; /* 0 where gradients are not kept */
    int buffer;     /* 1 + which buffer of the plan's it lies in; 0: none */
};

/* Room in a plan's memory that has contents only within a step (memory.c). */
struct rt_cuda_buffer {
    size_t reserved; /* its offset while the plan is built: nothing else has it */
    size_t place;    /* its offset in the plan's memory, which others have before or after it */
    size_t bytes;
    int first,
        last; /* launches; last: the number of launches where it lives to the end of the step, -1: unused */
};

struct rt_cuda_launch {
    struct rt_cuda_kernel kernel;
    const struct rt_node *node;
    unsigned modes;
    int argument_count;
    struct rt_cuda_argument arguments[RT_CUDA_ARGUMENTS_MAX];
    rt_cu_function function; /* null until loaded */
    bool aside;              /* on the second stream, for which only the end of the pass's step waits ... */
    bool fork;               /* ... and that waits here for all launches before */
};

/* Where a node's values, or their gradient, lie. */
struct rt_cuda_view {
    size_t offset; /* in the plan's memory as reserved, bytes; 0: nowhere */
    int ld;        /* floats from pixel to pixel */
    int channel;   /* of the first one among the storage's channels (for alignment) */
};

struct rt_cuda_value {
    struct rt_cuda_view data, gradient;
    bool wants;  /* the gradient is of use */
    int readers; /* nodes that read it, through a flatten too */
    int written; /* building the backward pass: gradients of how many readers are in; the first overwrites */
    bool gated;  /* ... and the last has masked it where the covering ReLU's value is 0 */
    struct rt_cuda_view pending; /* ... and this, of another value, is yet to be added */
    bool covered;                /* a ReLU, its only reader, is part of its kernel: views are the ReLU's */
    int producer;                /* that ReLU: the node that covers it, else -1 */
    bool placed;                 /* data lie inside a concatenation */
    bool shared;                 /* gradient lies inside a concatenation's, or is a sum's */
    bool common;                 /* ... which others read too: it must not be changed in place */
    bool alias;                  /* flatten before linear layers only: its input's values as they lie */
    bool dense;                  /* ld must be the channels: read by a linear layer as one row */
    size_t kept;                 /* what forward leaves for backward: offset, 0: nothing */
};

/* A tensor in the memory of parameters. Weights are [kernel][kernel][in][out]. */
struct rt_cuda_tensor {
    rt_cu_pointer value, states, gradient; /* 0: none; states: the optimiser's first, plan->state_bytes apart */
    struct rt_shape map; /* linear: of the input's maps; conv: {in, kernel, kernel}; else {0} */
};

enum { RT_CUDA_EVENTS = 64, RT_CUDA_STEPS = 8 };

/* A captured graph of each kind of pass. */
struct rt_cuda_graph {
    rt_cu_graph_exec one, several; /* of 1 and of RT_CUDA_STEPS steps */
};

/* What is timed where options.profile asks (profile.c), launch by launch. */
struct rt_cuda_profile {
    struct {
        double seconds;
        uint64_t images;
    } * times;
    rt_cu_event *events; /* behind each launch; the last: before the first */
    int open;            /* the gate that a step waits at until it is enqueued */
};

struct rt_cuda_plan {
    struct rt_plan base;
    struct rt_cuda_device *device;
    rt_cu_stream stream, aside; /* gradients of weights run aside of the chain of activations' gradients */
    rt_cu_event forked, joined;
    struct rt_cuda_value *values;   /* [node_count] */
    struct rt_cuda_tensor *tensors; /* [tensor_count]; the other plan's with parameters_of */
    struct rt_cuda_launch *launches;
    int launch_count, launch_room;
    struct rt_cuda_buffer *buffers; /* [node_count * RT_CUDA_BUFFERS]: values, gradients, what is kept */
    int buffer_count;
    size_t bytes;                        /* of the plan's memory, while it is planned */
    rt_cu_pointer memory, parameters;    /* one allocation each */
    size_t parameter_bytes, state_bytes; /* state_bytes: from a tensor to its first state, and on */
    /* offsets in it */
    size_t pass_offset, labels, order, crops, probe_x, probe_y, tickets;
    size_t scratch[2], scratch_bytes[2]; /* of launches in a row, and of those aside */
    bool emit_aside, emit_fork;          /* what the next launch to be appended is; the fork once */
    struct rt_cuda_pass *host_pass;      /* pinned: what begin uploads */
    uint32_t *host_order;                /* pinned [pass_max] */
    struct rt_cuda_crop *host_crops;     /* pinned [pass_max] */
    struct rt_cuda_record *records;      /* pinned and mapped [pass_max] */
    struct rt_cuda_outcome *outcomes;    /* pinned and mapped [pass_max]; written where pass.outcomes */
    void *pinned;
    rt_cu_pointer pinned_device;
    size_t pinned_bytes;
    struct rt_cuda_graph graphs[3];  /* by rt_pass_kind */
    struct rt_cuda_profile *profile; /* instead of graphs; null: times are not kept */
    rt_cu_event events[RT_CUDA_EVENTS];
    int event_batch[RT_CUDA_EVENTS]; /* batches before this one are done when the event is */
    int event_first, event_count;    /* a ring */
    int done;                        /* batches known to be done */
    struct rt_error late;            /* what an enqueuing call met; said by the next that waits */
};

/* Makes the device's context the thread's. */
static inline int rt_cuda_enter(const struct rt_cuda_device *device, struct rt_error *err)
{
    return RT_CU_CALL(device->cu, context_set, (device->context), "cannot use the device", err);
}

/* Fills in launch->function of those that are part of `modes`; compiles what is in no cache. */
int rt_cuda_load(struct rt_cuda_device *device, struct rt_cuda_launch *launches, int count, unsigned modes,
                 struct rt_error *err);
void rt_cuda_unload(struct rt_cuda_device *device);

/* ---- building (launches.c, build.c) ---- */

/* Room in the plan's memory, aligned to 256 bytes, for what launches leave one another within a step; its
 * offset, never 0, which is good for arguments until rt_cuda_share_memory moves them. At most RT_CUDA_BUFFERS a
 * node. */
size_t rt_cuda_reserve(struct rt_cuda_plan *plan, size_t bytes);
/* The same for what lasts from step to step, or that the host knows of: stays where it is. Before all others.
 */
size_t rt_cuda_reserve_lasting(struct rt_cuda_plan *plan, size_t bytes);
/* Puts buffers that are not in use at the same time in the same place, once all launches are in the list. */
int rt_cuda_share_memory(struct rt_cuda_plan *plan, struct rt_error *err);
/* Scratch that launches of a stream share, one after the other: room for `bytes`. */
void rt_cuda_reserve_scratch(struct rt_cuda_plan *plan, size_t bytes);

struct rt_cuda_argument rt_cuda_at(size_t offset);        /* in the plan's memory; 0: a null pointer */
struct rt_cuda_argument rt_cuda_absolute(uint64_t value); /* an address or an integer */
struct rt_cuda_argument rt_cuda_kept(uint64_t address);   /* null where gradients are not kept */
struct rt_cuda_argument rt_cuda_scratch(void);
struct rt_cuda_argument rt_cuda_pass_argument(const struct rt_cuda_plan *plan);

/* Appends a launch; options may be changed until the next call. `blocks` of 256 threads along x. */
int rt_cuda_emit(struct rt_cuda_plan *plan, const struct rt_node *node, unsigned modes,
                 const struct rt_cuda_kernel *kernel, const struct rt_cuda_argument *arguments, int count,
                 struct rt_error *err);
#define RT_CUDA_EMIT(plan, node, modes, kernel, err, ...)                                                      \
    rt_cuda_emit(                                                                                              \
        plan, node, modes, kernel, (const struct rt_cuda_argument[]){__VA_ARGS__},                             \
        (int)(sizeof((const struct rt_cuda_argument[]){__VA_ARGS__}) / sizeof(struct rt_cuda_argument)), err)

/* The optimiser's index; 0 where nothing is trained. */
int rt_cuda_optimizer(const struct rt_cuda_plan *plan);

/* A kernel of 256 threads for each of `items` values. */
struct rt_cuda_kernel rt_cuda_flat(const char *source, const char *entry, size_t items)
    __attribute__((nonnull));
void rt_cuda_option(struct rt_cuda_kernel *kernel, const char *name, long value);
void rt_cuda_option_float(struct rt_cuda_kernel *kernel, const char *name, double value);

/* The node whose values are node's i-th input (through a flatten that is one with it), and those values. */
const struct rt_node *rt_cuda_source(const struct rt_cuda_plan *plan, const struct rt_node *node, int i);
struct rt_cuda_value *rt_cuda_input(struct rt_cuda_plan *plan, const struct rt_node *node, int i);
/* Whether the next gradient of the value is added to what is there; and from now on it is. */
bool rt_cuda_accumulate(struct rt_cuda_value *value);
/* Copies what is pending, so that the value's gradient is where it should be. */
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

/* ---- running (pass.c, state.c) ---- */

/* The graphs of a kind of pass, unless they are there. */
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
/* Launches those of `modes` one after the other on the plan's stream; gradients kept or not. */
int rt_cuda_launch_all(struct rt_cuda_plan *plan, unsigned modes, bool keep, struct rt_error *err);
/* Times of launches (profile.c). create and free do nothing where options.profile does not ask. step: one batch
 * of the pass, to its end. */
int rt_cuda_profile_create(struct rt_cuda_plan *plan, struct rt_error *err);
void rt_cuda_profile_free(struct rt_cuda_plan *plan, bool entered);
int rt_cuda_profile_step(struct rt_cuda_plan *plan, int batch, unsigned modes, bool keep, struct rt_error *err);
bool rt_cuda_profile(const struct rt_plan *plan, int index, struct rt_stage_time *time);
int rt_cuda_create_plan(struct rt_plan **plan, struct rt_device *device, const struct rt_graph *graph,
                        const struct rt_plan_options *options, struct rt_error *err);
void rt_cuda_free_plan(struct rt_plan *plan);

#endif
