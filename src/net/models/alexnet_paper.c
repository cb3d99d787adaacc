/* The paper's small AlexNet, 1,387,786 parameters: 64 channels in both 5x5 convolutions, whose output is as
 * large as their input, pools 28 -> 14 -> 7, local response normalisation, then 384, 192 and 10 units. Dropout
 * comes after each hidden linear layer's ReLU. */
#include "net/layers.h"
#include "net/models.h"

static int stage(struct rt_graph *graph, int x, const char *name)
{
    x = rt_conv(graph, x, name, (struct rt_conv_options){.out = 64, .kernel = 5, .padding = 2, .bias = true});
    x = rt_relu(graph, x);
    x = rt_max_pool(graph, x, 3, 2, 1);
    return rt_lrn(graph, x, 5, 1e-4F, 0.75F, 2);
}

static int hidden(struct rt_graph *graph, int x, const char *name, int out, float dropout)
{
    x = rt_linear(graph, x, name, out);
    x = rt_relu(graph, x);
    return rt_dropout(graph, x, dropout);
}

static int build_alexnet_paper(struct rt_graph *graph, int x, const struct rt_model_options *options)
{
    x = stage(graph, x, "conv1");
    x = stage(graph, x, "conv2");
    x = rt_flatten(graph, x);
    x = hidden(graph, x, "fc1", 384, options->dropout);
    x = hidden(graph, x, "fc2", 192, options->dropout);
    return rt_linear(graph, x, "head", 10);
}

const struct rt_model rt_model_alexnet_paper = {.name = "AlexNetPaper",
                                                .aliases = "PaperAlexNet",
                                                .help = "the paper's small AlexNet: 1,387,786 parameters",
                                                .build = build_alexnet_paper};
