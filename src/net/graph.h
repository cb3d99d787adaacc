/* The network as a graph: nodes in the data's order, each an op applied to earlier nodes, and the list of its
 * tensors (weights, biases, batch-norm statistics) under PyTorch's names.
 *
 * A graph holds shapes and names only, no numbers: an engine's plan binds it to kernels and memory. Building
 * never fails midway: the first error is kept in graph->error, later calls do nothing and return -1, and
 * rt_graph_finish reports it, so that a model reads as a list of layers. */
#ifndef RT_NET_GRAPH_H
#define RT_NET_GRAPH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum {
    RT_NODE_INPUTS_MAX = 2,
    RT_NODE_TENSORS_MAX = 5,
    RT_NAME_MAX = 64,
    RT_LABEL_MAX = RT_NAME_MAX + 64,
    RT_KERNEL_MAX = 64, /* the widest window of conv and max_pool */
};

/* The shape of one image's activations; a vector of n features is {n, 1, 1}. */
struct rt_shape {
    int channels, height, width;
};
size_t rt_shape_count(struct rt_shape shape); /* channels * height * width */

/* What distinguishes one node of an op from another; each op reads its own fields and ignores the rest. */
struct rt_attributes {
    struct rt_shape input;       /* input: the images' shape */
    int out_channels;            /* conv, linear */
    int kernel, stride, padding; /* conv, max_pool: square windows */
    bool bias;                   /* conv, linear */
    float eps, momentum;         /* batch_norm */
    bool unscaled;               /* batch_norm: its scale is 1 and not trained */
    int size;                    /* lrn: channels in a window; avg_pool: output height and width */
    float alpha, beta, k;        /* lrn */
    float rate;                  /* dropout: the probability of zeroing, 0 <= rate < 1 */
};

struct rt_graph;
struct rt_node;

/* An op: its arity, shape inference and tensors. Each is one file in net/ops/ and one line in net/ops.h. */
struct rt_op {
    const char *name; /* "conv", as `rethink view` prints it */
    int inputs;
    /* Sets node->shape from its inputs' shapes and attributes, and declares its tensors with
     * rt_graph_add_tensor (weight before bias: the order in which a seed's values are drawn). Refuses shapes it
     * cannot take (RT_ECONFIG) naming the node, what it was given and what it takes. */
    int (*infer)(struct rt_graph *graph, struct rt_node *node, struct rt_error *err);
    /* Multiply-adds of one image's forward pass; null: none worth counting. */
    uint64_t (*multiply_adds)(const struct rt_graph *graph, const struct rt_node *node);
    /* The smallest batch that can be trained on (rt_graph_check_batch); null: 1. */
    int (*batch_min)(const struct rt_graph *graph, const struct rt_node *node);
};

enum rt_tensor_role {
    RT_TENSOR_WEIGHT,       /* linear [out, in]; conv [out, in, kernel, kernel] */
    RT_TENSOR_BIAS,         /* [out] */
    RT_TENSOR_SCALE,        /* batch norm's weight [c] */
    RT_TENSOR_SHIFT,        /* batch norm's bias [c] */
    RT_TENSOR_RUNNING_MEAN, /* [c], a buffer: not trained */
    RT_TENSOR_RUNNING_VAR,  /* [c], a buffer */
    RT_TENSOR_BATCHES,      /* num_batches_tracked, shape [], int64, a buffer */
    RT_TENSOR_UNIT_SCALE,   /* batch norm's weight [c] where it is not trained: 1, a buffer */
};
bool rt_tensor_is_parameter(enum rt_tensor_role role); /* trained: the first four roles */

struct rt_tensor {
    char name[RT_NAME_MAX]; /* as in PyTorch's state dict: "layer1.0.bn1.weight" */
    enum rt_tensor_role role;
    int rank, shape[4];
    size_t count; /* elements */
    int fan_in;   /* of weight and bias: inputs x kernel area; else 1 */
    int node;     /* the node that owns it */
};

struct rt_node {
    const struct rt_op *op;
    int id;                         /* its index in graph->nodes */
    char name[RT_NAME_MAX];         /* the tensors' prefix ("inception1.branch1.conv"), or "" */
    int inputs[RT_NODE_INPUTS_MAX]; /* ids of earlier nodes */
    struct rt_attributes attributes;
    struct rt_shape shape;            /* of its output */
    int tensors[RT_NODE_TENSORS_MAX]; /* indices into graph->tensors, in the order declared */
    int tensor_count;
    int consumers; /* how many nodes read its output (an input named twice counts twice) */
};

struct rt_graph {
    struct rt_node *nodes;
    int node_count;
    struct rt_tensor *tensors; /* in the order in which a seed's initial values are drawn */
    int tensor_count;
    struct rt_error error; /* the first error while building */
};

/* A name made like printf, for use within one call: rt_linear(graph, x, RT_NAME("layer%d", i), 512). */
struct rt_name {
    char text[RT_NAME_MAX + 1]; /* one more than a node's name may have, so that a cut one is refused */
};
struct rt_name rt_name(const char *format, ...) __attribute__((format(printf, 1, 2)));
#define RT_NAME(...) (rt_name(__VA_ARGS__).text)

void rt_graph_free(struct rt_graph *graph); /* accepts a zeroed or failed graph */

/* Appends a node and returns its id, or -1 (graph->error says why). `name` may be "". Inputs past the op's
 * arity are ignored. The layer functions of net/layers.h are the friendlier way to call it. */
int rt_graph_add(struct rt_graph *graph, const struct rt_op *op, const char *name, const int *inputs,
                 struct rt_attributes attributes);

/* For ops: the node that is `node`'s i-th input, and the node in words for messages, written into `label`:
 * "conv layer1.0.conv1 (node 5)". */
const struct rt_node *rt_node_input(const struct rt_graph *graph, const struct rt_node *node, int i);
const char *rt_node_label(const struct rt_node *node, char label[RT_LABEL_MAX]);

/* For ops' infer: declares the tensor NODE_NAME.SUFFIX, or SUFFIX where the node has no name. RT_EMEMORY. */
int rt_graph_add_tensor(struct rt_graph *graph, struct rt_node *node, const char *suffix,
                        enum rt_tensor_role role, int rank, const int *shape, int fan_in, struct rt_error *err);

/* Reports the first error of building, an empty graph, two tensors of one name, or a node that nothing reads
 * and that is not the last. On error the caller still frees the graph. */
int rt_graph_finish(struct rt_graph *graph, struct rt_error *err);

/* The tensor of that name, or -1. */
int rt_graph_find_tensor(const struct rt_graph *graph, const char *name);

/* Whether a batch of `count` images can be trained (or, with training false, evaluated) on. RT_ECONFIG names
 * the layer that cannot take it: batch norm in training needs two values a channel, so it refuses one image
 * where maps are 1 x 1. Engine calls cannot fail: ask here first, for each batch size that will occur. */
int rt_graph_check_batch(const struct rt_graph *graph, int count, bool training, struct rt_error *err);

size_t rt_graph_parameter_count(const struct rt_graph *graph); /* trained numbers */
uint64_t rt_graph_multiply_adds(const struct rt_graph *graph); /* forward, one image */

/* PyTorch's initial value of every tensor from `seed` (one generator for the whole network, tensors in order,
 * uniform in +-1/sqrt(fan_in); scale 1, shift 0, mean 0, variance 1, batches 0). Calls
 * sink(context, tensor, values) with tensor->count floats each, but for RT_TENSOR_BATCHES. RT_EMEMORY. */
int rt_graph_initialize(const struct rt_graph *graph, uint32_t seed,
                        void (*sink)(void *context, int tensor, const float *values), void *context,
                        struct rt_error *err);

#endif
