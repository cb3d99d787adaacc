/* The native engine's plan: stages, values and memory. Private to engine/native/.
 *
 * Activations are pixels: rows of channels, padded with zeros to whole panels of 16. The network becomes a list
 * of stages, each one kernel that may cover several nodes (a convolution and the ReLU behind it). A value is
 * what a node's readers see: stored numbers, or a view of another value's numbers through batch norm's scale
 * and shift and a ReLU, applied on the way into each reader and never stored. Concatenated values live side by
 * side in one buffer. Buffers whose lives do not overlap share memory. */
#ifndef RT_ENGINE_NATIVE_NATIVE_H
#define RT_ENGINE_NATIVE_NATIVE_H

#include "engine/host/host.h"
#include "engine/native/isa.h"
#include "net/ops.h"

enum { RT_PANEL_CHANNELS = 16, RT_NONE = -1 };

/* One piece of the arena, alive from time `first` to `last` (stage s runs forward at s, backward at end - s).
 */
struct rt_buffer {
    size_t floats, offset;
    int first, last;
};

struct rt_value {
    struct rt_shape shape;
    long channels; /* shape.channels padded to whole panels; exact where planar */
    bool planar;   /* the batch's own images, planes of rows */
    int data;      /* buffer; RT_NONE: the batch's images */
    long offset;   /* floats from the buffer's start to the first pixel's first channel */
    long ld;       /* floats from pixel to pixel */
    long scale;    /* view: persistent offsets of scale and shift, or RT_NONE */
    long shift;
    bool relu; /* view */
    int grad;  /* buffer, or RT_NONE: nobody wants the gradient */
    long grad_offset, grad_ld;
    long moments;     /* persistent offset of partial moments that the producer leaves, or RT_NONE */
    long moment_rows; /* rows of each partial */
};

struct rt_native;
struct rt_stage;

/* A stage's forward or backward pass, in steps that all members of the team take at the same time: what
 * precedes the images, or has nothing to do with single ones; images [begin, end), in order, of those that are
 * the member's; and what follows all images. A step begins when all members have ended the one before it. But
 * stages of a group take a step one after another without waiting: what one's `begin` writes, no other's reads
 * or writes, and so it is with `end`. Any may be null. */
struct rt_native_pass {
    void (*begin)(struct rt_native *plan, struct rt_stage *stage, int member);
    void (*images)(struct rt_native *plan, struct rt_stage *stage, int member, long begin, long end);
    void (*end)(struct rt_native *plan, struct rt_stage *stage, int member);
};

/* How a stage may share a group (groups.c) with those before it. */
enum rt_native_sharing {
    RT_ALONE,
    RT_READS,   /* with other readers of its input: `begin` looks at no activations */
    RT_FOLLOWS, /* with its input's producer: it is a view, and has no forward images */
};

/* Whether an output can be below zero. */
enum rt_native_sign { RT_SIGN_ANY, RT_SIGN_OF_INPUTS, RT_SIGN_NOT_NEGATIVE };

/* One op on this engine: each is one file in ops/ and defines rt_native_NAME, for every op of RT_OPS. */
struct rt_native_kernel {
    const struct rt_op *op;
    /* Fills the stage in: its last node, values, buffers, scratch, tensors. */
    int (*plan)(struct rt_native *plan, struct rt_stage *stage, struct rt_error *err);
    struct rt_native_pass forward, backward;
    /* Null, or what can be done with the output's gradient of images [begin, end) while it is in a cache:
     * called by the stage that completes that gradient, if it `announces`; else the stage's own backward does
     * it. */
    void (*gradient_ready)(struct rt_native *plan, struct rt_stage *stage, long begin, long end);
    bool announces;           /* backward calls rt_native_announce for the gradient of its first input */
    bool takes_views;         /* reads its input through scale, shift and ReLU (struct rt_view) */
    bool takes_planes;        /* reads the batch's own images, planes of rows */
    bool takes_flat;          /* reads a vector whose numbers stand as they did before a flatten */
    bool takes_moments;       /* reads its input's partial moments in training */
    bool leaves_moments;      /* leaves its output's partial moments where a reader takes them */
    bool borrows_gradient;    /* its output's gradient may lie in other memory (rt_native_share_gradient) */
    enum rt_native_sign sign; /* of its output */
    /* Where element i of a tensor (in PyTorch's order) stands in its packed copy; null: at i. */
    size_t (*place)(const struct rt_native *plan, const struct rt_stage *stage, const struct rt_tensor *tensor,
                    size_t i);
};

struct rt_stage {
    const struct rt_native_kernel *kernel;
    const struct rt_node *node; /* the first it covers */
    int index;
    int in[RT_NODE_INPUTS_MAX], out;     /* values (by node id); `out` of the last node covered */
    bool wants[RT_NODE_INPUTS_MAX];      /* this input's gradient is to be computed */
    bool accumulate[RT_NODE_INPUTS_MAX]; /* ... and added to what later readers left there */
    bool relu;                           /* covers a ReLU */
    bool winograd;                       /* convolution: on Winograd's algorithm */
    enum rt_native_sharing sharing;
    int group_first;              /* number of the first stage of its group */
    double forward_s, backward_s; /* time taken so far, where options.profile asks */
    uint64_t images;              /* seen in that time */
    long block;                   /* convolution: output pixels a piece of work */
    long images_least;            /* that are worth taking at a time; 0: any */
    long shared, shared_floats;   /* its part of plan->shared: offset and size */
    int buffer;                   /* own buffer in the arena, or RT_NONE */
    long persistent;              /* own persistent floats, or RT_NONE */
    long own_view;     /* batch norm that is stored: persistent offset of its scale and shift, or RT_NONE */
    bool announced;    /* some other stage calls this one's gradient_ready */
    int listeners;     /* the first stage that this one tells that a gradient is whole, or RT_NONE */
    int next_listener; /* the next one that the same stage tells */
};

/* Stages whose passes run together: a few images go through all of them before the next images come. */
struct rt_native_group {
    struct rt_stage **stages; /* [count], in the order in which they run */
    int count;
    long images; /* at a time */
};

/* A tensor's place in the parameter vector (and, for trained ones, in momentum and gradients). */
struct rt_slot {
    size_t offset, count; /* padded floats */
    int stage;
};

struct rt_native_device {
    struct rt_host_device host;
    const struct rt_isa *isa;
};

struct rt_native {
    union {
        struct rt_plan base;
        struct rt_host_plan host;
    };
    const struct rt_isa *isa;
    struct rt_stage *stages;
    int stage_count, end;           /* end: a time past every stage's */
    struct rt_stage **order;        /* [2 stage_count] what the groups' lists point to */
    struct rt_native_group *groups; /* as they run: forward's, then backward's */
    int forward_groups, group_count;
    struct rt_value *values;  /* [node_count] */
    bool *covered;            /* [node_count] by an earlier node's stage */
    struct rt_concat_target { /* [node_count] the concatenation that a node's output is stored in */
        int concat;           /* its node, or RT_NONE */
        int at;               /* this part's first channel in it */
    } * targets;
    struct rt_buffer *buffers;
    int buffer_count;
    float *arena;
    size_t arena_floats;
    float *persistent; /* small arrays that live as long as the plan */
    size_t persistent_floats;
    float *scratch; /* [threads][scratch_floats]: each thread's own */
    size_t scratch_floats;
    float *shared; /* all threads' together; each stage of the group that runs has a part */
    size_t shared_floats;
    struct rt_slot *slots; /* [tensor_count] */
    size_t parameter_floats;
    float *parameters, *gradients;
    float *states;    /* the optimiser's, one parameter vector each */
    int64_t *batches; /* [tensor_count] num_batches_tracked */
    bool borrowed;    /* parameters and batches belong to options.parameters_of */

    /* the call in progress */
    int count; /* images */
    bool training;
    const float *images;
    uint64_t serial;
    const struct rt_host_batch *batch;   /* null: a probe */
    bool updates;                        /* or gradients are left */
    float terms[RT_OPTIMIZER_TERMS_MAX]; /* of the update */
    float *input_gradient;               /* probe's dx */
};

/* Planning. A size is counted in floats for the largest batch. */
long rt_native_pad(long channels);
int rt_native_buffer(struct rt_native *plan, size_t floats, int *buffer, struct rt_error *err);
void rt_native_touch(struct rt_native *plan, int buffer, int time);
void rt_native_touch_forward(struct rt_native *plan, const struct rt_stage *stage, int buffer);
void rt_native_touch_backward(struct rt_native *plan, const struct rt_stage *stage, int buffer);
long rt_native_persist(struct rt_native *plan, size_t floats);
void rt_native_need_scratch(struct rt_native *plan, size_t floats);
void rt_native_need_shared(struct rt_stage *stage, size_t floats);
void rt_native_slot(struct rt_native *plan, const struct rt_stage *stage, int tensor, size_t floats);
/* Gives the stage's output its value: memory of its own, or its part of the concatenation it belongs to. */
int rt_native_output(struct rt_native *plan, struct rt_stage *stage, int node, struct rt_error *err);
/* Decides which nodes' outputs are written straight into the concatenation that reads them. */
void rt_native_find_targets(struct rt_native *plan);
/* The kernel of a node's op, or null. */
const struct rt_native_kernel *rt_native_kernel_of(const struct rt_node *node);
/* The stage also does the ReLU that alone reads its node, if there is one; returns the last node that it
 * covers. */
int rt_native_cover_relu(struct rt_native *plan, struct rt_stage *stage);
/* The only node that reads `node`'s output, or RT_NONE. */
int rt_native_reader(const struct rt_native *plan, int node);
/* True if every reader of `node` takes a view (scale, shift, ReLU) of stored numbers. */
bool rt_native_readers_take_views(const struct rt_native *plan, int node);
/* Makes `node` a view of the stage's input: the same numbers, its own gradient unless nobody else needs the
 * input's. with_scale: through scale and shift arrays (filled with 1 and 0 until a batch norm writes them). */
int rt_native_view_of(struct rt_native *plan, struct rt_stage *stage, int node, bool with_scale,
                      struct rt_error *err);
/* True if `node` can be such a view: its readers take views, and where it is a part, its input is stored there.
 */
bool rt_native_can_be_view(const struct rt_native *plan, int node, int input);
/* Lets `node`'s gradient live in `grad` (another value's, same shape), not in memory of its own. */
void rt_native_share_gradient(struct rt_native *plan, int node, const struct rt_value *with);
/* True if some reader of `node` takes its moments. */
bool rt_native_wants_moments(const struct rt_native *plan, int node);
/* Lets the stage of `value`'s producer leave partial moments of `rows` pixels each. */
void rt_native_offer_moments(struct rt_native *plan, int node, long rows);

/* Groups (groups.c): forms them of the planned stages, which settles what memory is shared and which lives
 * overlap; and runs all stages' passes by them. */
int rt_native_form_groups(struct rt_native *plan, struct rt_error *err);
void rt_native_run_forward(struct rt_native *plan);
void rt_native_run_backward(struct rt_native *plan);

/* Running. */

/* This member's images, as `images` steps get them. With `chunks` a multiple of the team's size, whole chunks
 * (rt_slice(c, chunks, count, 1)). */
struct rt_slice rt_native_images(const struct rt_native *plan, int member);
/* The number of the chunk that an image is in. */
int rt_native_chunk_of(const struct rt_native *plan, int chunks, long image);
float *rt_native_data(const struct rt_native *plan, const struct rt_value *value);
float *rt_native_grad(const struct rt_native *plan, const struct rt_value *value);
struct rt_view rt_native_view(const struct rt_native *plan, const struct rt_value *value);
long rt_native_rows(const struct rt_native *plan, const struct rt_value *value); /* pixels in the batch */
float *rt_native_scratch(const struct rt_native *plan, int member);
float *rt_native_shared(const struct rt_native *plan, const struct rt_stage *stage);
float *rt_native_parameter(const struct rt_native *plan, int tensor);
float *rt_native_state(const struct rt_native *plan,
                       int tensor); /* the optimiser's first, of a plan that trains */
/* Uses `count` gradients of a tensor from element `offset` on, the sum of `parts` arrays: updates weights and
 * optimiser states, or leaves the gradients to be read. */
void rt_native_apply_gradient(struct rt_native *plan, int tensor, size_t offset, const float *gradient,
                              size_t count, int parts, size_t part_stride);
/* The gradient of the stage's first input is whole for images [begin, end): tells those whom that concerns. */
void rt_native_announce(struct rt_native *plan, const struct rt_stage *stage, long begin, long end);
/* The partial moments of rows [begin, begin + count) of a value, as piece number begin / value->moment_rows. */
void rt_native_leave_moments(const struct rt_native *plan, const struct rt_value *value, long begin,
                             long count);

/* Memory: places the buffers so that lives that overlap do not share, and returns the arena's size in floats.
 */
size_t rt_native_place_buffers(struct rt_buffer *buffers, int count, int *order);

/* The engine's entries (engine.h); memory.c, plan.c, run.c and state.c define them. */
int rt_native_create(struct rt_plan **out, struct rt_device *device, const struct rt_graph *graph,
                     const struct rt_plan_options *options, struct rt_error *err);
void rt_native_free(struct rt_plan *base);
void rt_native_step(struct rt_host_plan *host, const struct rt_host_batch *batch);
int rt_native_write(struct rt_plan *base, enum rt_state state, int tensor, const void *values,
                    struct rt_error *err);
int rt_native_read(struct rt_plan *base, enum rt_state state, int tensor, void *values, struct rt_error *err);
int rt_native_probe(struct rt_plan *base, const void *x, int count, void *y, const void *dy, void *dx,
                    struct rt_error *err);
bool rt_native_profile(const struct rt_plan *base, int index, struct rt_stage_time *time);
size_t rt_native_memory_bytes(const struct rt_plan *base);

#define RT_NATIVE_KERNEL_DECLARE(name) extern const struct rt_native_kernel rt_native_##name;
RT_OPS(RT_NATIVE_KERNEL_DECLARE)
#undef RT_NATIVE_KERNEL_DECLARE

#endif
