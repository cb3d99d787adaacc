/* The native engine's plan: stages, values and memory. Private to engine/native/.
 *
 * Activations are pixels: rows of channels, padded with zeros to whole panels of 16. The network becomes a list
 * of stages, each a kernel that may cover several nodes (a convolution and the ReLU after it). A value is what
 * a node's readers see: stored numbers, or a view of another value's numbers through batch norm's scale and
 * shift and a ReLU, applied by each reader and never stored. Concatenated values are stored side by side in one
 * buffer. Buffers whose lifetimes do not overlap share memory. */
#ifndef RT_ENGINE_NATIVE_NATIVE_H
#define RT_ENGINE_NATIVE_NATIVE_H

#include "engine/host/host.h"
#include "engine/native/isa.h"
#include "engine/native/pixels.h"
#include "net/ops.h"

enum { RT_PANEL_CHANNELS = 16, RT_NONE = -1 };

/* One piece of the arena, live from time `first` to `last` (stage s runs forward at s, backward at end - s). */
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
    int grad;  /* buffer, or RT_NONE: the gradient is not needed */
    long grad_offset, grad_ld;
    long moments;     /* persistent offset of partial moments that the producer leaves, or RT_NONE */
    long moment_rows; /* rows of each partial */
};

struct rt_native;
struct rt_stage;

/* A stage's forward or backward pass, in steps that all members of the team take at the same time: work before
 * the images, or that does not concern single images; images [begin, end), in order, of the member's own; and
 * work after all images. A step starts when all members have finished the previous one. But the stages of a
 * group take a step one after another without a barrier: no stage's `begin` reads or writes what another's
 * `begin` writes, and likewise for `end`. Any may be null. */
struct rt_native_pass {
    void (*begin)(struct rt_native *plan, struct rt_stage *stage, int member);
    void (*images)(struct rt_native *plan, struct rt_stage *stage, int member, long begin, long end);
    void (*end)(struct rt_native *plan, struct rt_stage *stage, int member);
};

/* How a stage may share a group (groups.c) with those before it. */
enum rt_native_sharing {
    RT_ALONE,
    RT_READS,   /* with other readers of its input: `begin` reads no activations */
    RT_FOLLOWS, /* with its input's producer: it is a view and has no forward work on images */
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
    /* Where element i of a tensor (in PyTorch's order) is in its packed copy; null: at i. */
    size_t (*place)(const struct rt_native *plan, const struct rt_stage *stage, const struct rt_tensor *tensor,
                    size_t i);
};

struct rt_stage {
    const struct rt_native_kernel *kernel;
    const struct rt_node *node; /* the first it covers */
    int index;
    int in[RT_NODE_INPUTS_MAX], out;     /* values (by node id); `out` of the last node covered */
    bool wants[RT_NODE_INPUTS_MAX];      /* this input's gradient is to be computed */
    bool accumulate[RT_NODE_INPUTS_MAX]; /* ... and added to the contributions of later readers */
    bool relu;                           /* covers a ReLU */
    bool winograd;                       /* convolution: on Winograd's algorithm */
    enum rt_native_sharing sharing;
    int group_first;              /* number of the first stage of its group */
    double forward_s, backward_s; /* time taken so far, where options.profile asks */
    uint64_t images;              /* seen in that time */
    long block;                   /* convolution: output pixels a piece of work */
    long images_least;            /* that are worth processing at a time; 0: any */
    long shared, shared_floats;   /* its part of plan->shared: offset and size */
    int buffer;                   /* own buffer in the arena, or RT_NONE */
    long persistent;              /* own persistent floats, or RT_NONE */
    long own_view;     /* batch norm that is stored: persistent offset of its scale and shift, or RT_NONE */
    bool announced;    /* another stage calls this one's gradient_ready */
    int listeners;     /* the first stage that this one tells that a gradient is whole, or RT_NONE */
    int next_listener; /* the next one that the same stage tells */
};

/* Stages whose passes run together: a few images go through all of them before the next ones. */
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
    const struct rt_native_kernel **kernels; /* [node_count] of the nodes' ops */
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

#define RT_NATIVE_KERNEL_DECLARE(name) extern const struct rt_native_kernel rt_native_##name;
RT_OPS(RT_NATIVE_KERNEL_DECLARE)
#undef RT_NATIVE_KERNEL_DECLARE

#endif
