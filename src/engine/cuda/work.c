/* What a training step launches, and the bytes that its kernels move: each reads what it needs once and writes
 * its results once, as if a cache held all between. Left out: what is of the order of channels or of images
 * (statistics, labels, records, a batch's order). */
#include <stdlib.h>
#include <string.h>

#include "engine/cuda/cuda.h"
#include "net/ops.h"

/* What a kernel reads and writes, a letter each (bytes_of). With an option GATE it reads `gate` too, with
 * ACCUMULATE what it writes. */
struct traffic {
    const char *entry;
    bool split; /* the row for kernels that leave partial sums to a second one */
    const char *reads, *writes, *gate;
};

static const struct traffic table[] = {
    {"gather", false, "i", "y", ""},
    {"conv_forward", false, "xwb", "y", ""},
    {"conv_forward", true, "xw", "s", ""},
    {"conv_forward_parts", true, "sb", "y", ""},
    {"conv_input_gradient", false, "yw", "x", "x"},
    {"conv_input_gradient", true, "yw", "s", ""},
    {"conv_input_gradient_parts", true, "s", "x", "x"},
    {"conv_weight_gradient", false, "xyp", "pc", ""},
    {"conv_weight_gradient", true, "xy", "s", ""},
    {"conv_weight_gradient_parts", true, "sp", "pc", ""},
    {"relu", false, "r", "r", ""},
    {"relu_gradient", false, "rr", "r", ""},
    {"copy", false, "r", "r", ""},
    {"add", false, "rr", "r", ""},
    {"dropout", false, "r", "r", ""},
    {"to_planes", false, "x", "y", ""},
    {"from_planes", false, "y", "x", ""},
    {"norm_forward", false, "y", "y", ""},
    {"norm_moments", false, "y", "", ""},
    {"norm_apply", false, "y", "y", ""},
    {"norm_backward", false, "yy", "y", ""},
    {"norm_sums", false, "yy", "", ""},
    {"norm_gradient", false, "yy", "y", ""},
    {"max_pool", false, "x", "ym", ""},
    {"max_pool_gradient", false, "ym", "x", "y"},
    {"avg_pool", false, "x", "y", ""},
    {"avg_pool_gradient", false, "y", "x", ""},
    {"lrn", false, "x", "yf", ""},
    {"lrn_gradient", false, "xyf", "x", ""},
    {"loss", false, "x", "x", ""},
};

/* A kernel's option -D`name`=; 0 where it has none. */
static long option(const struct rt_cuda_launch *launch, const char *name)
{
    const size_t length = strlen(name);

    for (const char *at = launch->kernel.options; (at = strstr(at, "-D")); at += 2)
        if (!strncmp(at + 2, name, length) && at[2 + length] == '=')
            return strtol(at + 3 + length, NULL, 10);
    return 0;
}

static bool splits(const struct rt_cuda_launch *launch)
{
    return option(launch, "RT_SPLITS") > 1;
}

static bool accumulates(const struct rt_cuda_launch *launch)
{
    if (!strcmp(launch->kernel.entry, "from_planes"))
        return launch->arguments[4].value; /* which flatten passes as an argument */
    return option(launch, "ACCUMULATE") || option(launch, "RT_ACCUMULATE");
}

/* Values of a node's map in a batch; of a padded input with the padding. */
static double values_of(const struct rt_cuda_plan *plan, const struct rt_node *node)
{
    const int channels = node->op == &rt_op_input ? plan->values[node->id].data.ld : node->shape.channels;

    return (double)rt_cuda_pixels(plan, node) * channels;
}

/* Parameters of a node: its weight, its bias, or both. */
static double parameters_of(const struct rt_cuda_plan *plan, const struct rt_node *node, bool weights,
                            bool biases)
{
    double count = 0;

    for (int i = 0; i < node->tensor_count; i++) {
        const struct rt_tensor *t = &plan->base.graph->tensors[node->tensors[i]];

        if (t->role == RT_TENSOR_WEIGHT ? weights : biases)
            count += (double)t->count;
    }
    return count;
}

/* Floats of a split product's result, of which the workspace has one for each part. */
static double results_of(const struct rt_cuda_plan *plan, const struct rt_cuda_launch *launch)
{
    const struct rt_node *from = rt_cuda_source(plan, launch->node, 0);

    if (!strncmp(launch->kernel.entry, "conv_forward", strlen("conv_forward")))
        return values_of(plan, launch->node);
    if (!strncmp(launch->kernel.entry, "conv_input", strlen("conv_input")))
        return (double)rt_cuda_pixels(plan, from) * from->shape.channels;
    return parameters_of(plan, launch->node, true, true);
}

static double bytes_of(const struct rt_cuda_plan *plan, const struct rt_cuda_launch *launch, char what)
{
    const struct rt_node *node = launch->node;
    const double element = (double)rt_cuda_element_bytes(plan);
    const double batch = plan->base.options.batch_max;
    const bool copied = node->tensor_count && plan->tensors[node->tensors[0]].stored;
    const int states = plan->base.options.optimizer ? plan->base.options.optimizer->state_count : 0;

    switch (what) {
    case 'i': /* an image's bytes, as the store has them */
        return batch * (double)rt_shape_count(node->shape);
    case 'x': /* the input, or its gradient */
        return element * values_of(plan, rt_cuda_source(plan, node, 0));
    case 'y': /* the node's values, or their gradient */
        return element * values_of(plan, node);
    case 'r': /* as many as the kernel has rows */
        return element * batch * (double)(option(launch, "CHANNELS") * option(launch, "PLANE"));
    case 'w': /* weights as products read them */
        return (copied ? element : sizeof(float)) * parameters_of(plan, node, true, false);
    case 'b':
        return sizeof(float) * parameters_of(plan, node, false, true);
    case 'p': /* parameters and the optimiser's states */
        return (1.0 + states) * sizeof(float) * parameters_of(plan, node, true, true);
    case 'c': /* the weights' copy of elements */
        return copied ? element * parameters_of(plan, node, true, false) : 0;
    case 's': /* partial sums */
        return sizeof(float) * (double)option(launch, "RT_SPLITS") * results_of(plan, launch);
    case 'm': /* places of maxima */
        return (option(launch, "WIDE") ? 2 : 1) * values_of(plan, node);
    default: /* 'f': floats kept for the backward pass */
        return sizeof(float) * values_of(plan, node);
    }
}

static double sum_of(const struct rt_cuda_plan *plan, const struct rt_cuda_launch *launch, const char *letters)
{
    double sum = 0;

    for (; *letters; letters++)
        sum += bytes_of(plan, launch, *letters);
    return sum;
}

static const struct traffic *traffic_of(const struct rt_cuda_launch *launch)
{
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (!strcmp(table[i].entry, launch->kernel.entry) && table[i].split == splits(launch))
            return &table[i];
    return NULL;
}

bool rt_cuda_launch_bytes(const struct rt_cuda_plan *plan, const struct rt_cuda_launch *launch, double *bytes)
{
    const struct traffic *t = traffic_of(launch);

    if (!t)
        return false;
    *bytes = sum_of(plan, launch, t->reads) + sum_of(plan, launch, t->writes);
    if (option(launch, "GATE") || option(launch, "RT_GATE"))
        *bytes += sum_of(plan, launch, t->gate);
    if (accumulates(launch) && *t->writes != 's')
        *bytes += sum_of(plan, launch, t->writes);
    return true;
}

bool rt_cuda_work(const struct rt_plan *base, struct rt_step_work *work)
{
    const struct rt_cuda_plan *plan = (const struct rt_cuda_plan *)base;
    const unsigned modes = rt_cuda_modes(RT_PASS_TRAIN);

    *work = (struct rt_step_work){0};
    for (int i = 0; i < plan->launch_count; i++) {
        double bytes;

        if (!(plan->launches[i].modes & modes))
            continue;
        if (!rt_cuda_launch_bytes(plan, &plan->launches[i], &bytes))
            return false;
        work->launches++;
        work->bytes += bytes;
    }
    return true;
}
