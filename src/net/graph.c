#include "net/graph.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"

size_t rt_shape_count(struct rt_shape shape)
{
    return (size_t)shape.channels * (size_t)shape.height * (size_t)shape.width;
}

bool rt_tensor_is_parameter(enum rt_tensor_role role)
{
    return role == RT_TENSOR_WEIGHT || role == RT_TENSOR_BIAS || role == RT_TENSOR_SCALE ||
           role == RT_TENSOR_SHIFT;
}

void rt_graph_free(struct rt_graph *graph)
{
    rt_free(&graph->nodes);
    rt_free(&graph->tensors);
    *graph = (struct rt_graph){0};
}

struct rt_name rt_name(const char *format, ...)
{
    struct rt_name name;

    va_list args;

    va_start(args, format);
    vsnprintf(name.text, sizeof name.text, format, args);
    va_end(args);
    return name;
}

const char *rt_node_label(const struct rt_node *node, char label[RT_LABEL_MAX])
{
    snprintf(label, RT_LABEL_MAX, "%s%s%s (node %d)", node->op->name, *node->name ? " " : "", node->name,
             node->id);
    return label;
}

const struct rt_node *rt_node_input(const struct rt_graph *graph, const struct rt_node *node, int i)
{
    return &graph->nodes[node->inputs[i]];
}

/* Every element count must fit an int, so that kernels may index with plain arithmetic. */
static int check_shape(const struct rt_node *node, struct rt_error *err)
{
    const struct rt_shape s = node->shape;
    char label[RT_LABEL_MAX];

    if (s.channels < 1 || s.height < 1 || s.width < 1 || s.channels > INT_MAX / s.height / s.width)
        return rt_fail(err, RT_ECONFIG,
                       "%s: its output would be %d x %d x %d; every size must be at least 1 and "
                       "their product below 2^31",
                       rt_node_label(node, label), s.channels, s.height, s.width);
    return RT_OK;
}

static int append_node(struct rt_graph *graph, const struct rt_op *op, const char *name, const int *inputs,
                       struct rt_attributes attributes)
{
    struct rt_error *err = &graph->error;
    struct rt_node *node;
    const int id = graph->node_count;

    if (strlen(name) >= RT_NAME_MAX)
        return rt_fail(err, RT_ECONFIG, "%s (node %d): the name \"%s\" is longer than %d characters", op->name,
                       id, name, RT_NAME_MAX - 1);
    for (int i = 0; i < op->inputs; i++)
        if (inputs[i] < 0 || inputs[i] >= id)
            return rt_fail(err, RT_ECONFIG, "%s %s (node %d): input %d is node %d, expected an earlier node",
                           op->name, name, id, i, inputs[i]);
    RT_TRY(rt_realloc(&graph->nodes, (size_t)id + 1, sizeof *graph->nodes, "a network's nodes", err));
    node = &graph->nodes[id];
    *node = (struct rt_node){.op = op, .id = id, .attributes = attributes};
    memcpy(node->name, name, strlen(name) + 1);
    for (int i = 0; i < op->inputs; i++) {
        node->inputs[i] = inputs[i];
        graph->nodes[inputs[i]].consumers++;
    }
    graph->node_count++;
    RT_TRY(op->infer(graph, node, err));
    return check_shape(node, err);
}

int rt_graph_add(struct rt_graph *graph, const struct rt_op *op, const char *name, const int *inputs,
                 struct rt_attributes attributes)
{
    if (graph->error.status || append_node(graph, op, name, inputs, attributes))
        return -1;
    return graph->node_count - 1;
}

int rt_graph_add_tensor(struct rt_graph *graph, struct rt_node *node, const char *suffix,
                        enum rt_tensor_role role, int rank, const int *shape, int fan_in, struct rt_error *err)
{
    struct rt_tensor tensor = {.role = role, .rank = rank, .count = 1, .fan_in = fan_in, .node = node->id};
    const int length =
        snprintf(tensor.name, sizeof tensor.name, "%s%s%s", node->name, *node->name ? "." : "", suffix);
    char label[RT_LABEL_MAX];

    if (length >= RT_NAME_MAX)
        return rt_fail(err, RT_ECONFIG, "%s: the name of its %s is longer than %d characters",
                       rt_node_label(node, label), suffix, RT_NAME_MAX - 1);
    for (int i = 0; i < rank; i++) {
        tensor.shape[i] = shape[i];
        if (shape[i] < 1 || !rt_size_mul(tensor.count, (size_t)shape[i], &tensor.count) ||
            tensor.count > INT_MAX)
            return rt_fail(err, RT_ECONFIG,
                           "%s: dimension %d of its %s is %d; every size must be at least 1 and "
                           "their product below 2^31",
                           rt_node_label(node, label), i, suffix, shape[i]);
    }
    RT_TRY(rt_realloc(&graph->tensors, (size_t)graph->tensor_count + 1, sizeof tensor, "a network's tensors",
                      err));
    graph->tensors[graph->tensor_count] = tensor;
    node->tensors[node->tensor_count++] = graph->tensor_count++;
    return RT_OK;
}

static int check_names(const struct rt_graph *graph, struct rt_error *err)
{
    for (int i = 0; i < graph->tensor_count; i++)
        if (rt_graph_find_tensor(graph, graph->tensors[i].name) != i)
            return rt_fail(err, RT_ECONFIG, "two layers have a tensor named %s: give each layer its own name",
                           graph->tensors[i].name);
    return RT_OK;
}

int rt_graph_finish(struct rt_graph *graph, struct rt_error *err)
{
    char label[RT_LABEL_MAX];

    if (graph->error.status)
        return rt_fail(err, graph->error.status, "%s", graph->error.message);
    if (graph->node_count == 0)
        return rt_fail(err, RT_ECONFIG, "the network has no layers");
    for (int i = 0; i < graph->node_count - 1; i++)
        if (graph->nodes[i].consumers == 0)
            return rt_fail(err, RT_ECONFIG, "%s: no layer reads its output, and it is not the last",
                           rt_node_label(&graph->nodes[i], label));
    return check_names(graph, err);
}

int rt_graph_find_tensor(const struct rt_graph *graph, const char *name)
{
    for (int i = 0; i < graph->tensor_count; i++)
        if (!strcmp(graph->tensors[i].name, name))
            return i;
    return -1;
}

size_t rt_graph_parameter_count(const struct rt_graph *graph)
{
    size_t count = 0;

    for (int i = 0; i < graph->tensor_count; i++)
        if (rt_tensor_is_parameter(graph->tensors[i].role))
            count += graph->tensors[i].count;
    return count;
}

uint64_t rt_graph_multiply_adds(const struct rt_graph *graph)
{
    uint64_t sum = 0;

    for (int i = 0; i < graph->node_count; i++)
        if (graph->nodes[i].op->multiply_adds)
            sum += graph->nodes[i].op->multiply_adds(graph, &graph->nodes[i]);
    return sum;
}

int rt_graph_check_batch(const struct rt_graph *graph, int count, bool training, struct rt_error *err)
{
    char label[RT_LABEL_MAX];

    if (count < 1)
        return rt_fail(err, RT_ECONFIG, "a batch of %d images: expected 1 or more", count);
    for (int i = 0; i < graph->node_count && training; i++) {
        const struct rt_node *node = &graph->nodes[i];

        if (node->op->batch_min && count < node->op->batch_min(graph, node))
            return rt_fail(err, RT_ECONFIG,
                           "a batch of %d: %s on %d x %d maps needs %d images or more in training "
                           "(no variance in one value a channel); change batch_size or train_size so that no "
                           "batch, nor the last of an epoch, is smaller",
                           count, rt_node_label(node, label), node->shape.height, node->shape.width,
                           node->op->batch_min(graph, node));
    }
    return RT_OK;
}
