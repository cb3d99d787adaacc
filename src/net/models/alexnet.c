/* AlexNet, small (Zhang et al. 2017, appendix A): two stages of 5x5 convolution, pooling and local response
 * normalisation, then linear layers of 384 and 192. Dropout comes after each hidden linear layer's ReLU.
 *
 * Two models differ in the stages:
 * - AlexNet: 64 and 256 channels, windows that stay inside their input, maps averaged to 3 x 3.
 * - AlexNetPaper: 64 channels in both, convolutions whose output is as large as their input and pools
 *   28 -> 14 -> 7, which gives the published count, 1,387,786 parameters. */
#include "net/layers.h"
#include "net/models.h"

struct form {
    struct {
        const char *name; /* of its convolution */
        int out;
    } stages[2];
    int conv_padding, pool_padding;
    int average; /* the maps' side after the adaptive average pool; 0: no such pool */
    const char *hidden[2];
};

static int stage(struct rt_graph *graph, int x, const struct form *form, int i)
{
    const struct rt_conv_options options = {
        .out = form->stages[i].out, .kernel = 5, .padding = form->conv_padding, .bias = true};

    x = rt_conv(graph, x, form->stages[i].name, options);
    x = rt_relu(graph, x);
    x = rt_max_pool(graph, x, 3, 2, form->pool_padding);
    return rt_lrn(graph, x, 5, 1e-4F, 0.75F, 2);
}

static int hidden(struct rt_graph *graph, int x, const char *name, int out, float dropout)
{
    x = rt_linear(graph, x, name, out);
    x = rt_relu(graph, x);
    return rt_dropout(graph, x, dropout);
}

static int build(struct rt_graph *graph, int x, const struct form *form, float dropout)
{
    x = stage(graph, x, form, 0);
    x = stage(graph, x, form, 1);
    if (form->average)
        x = rt_avg_pool(graph, x, form->average);
    x = rt_flatten(graph, x);
    x = hidden(graph, x, form->hidden[0], 384, dropout);
    x = hidden(graph, x, form->hidden[1], 192, dropout);
    return rt_linear(graph, x, "head", 10);
}

static int build_alexnet(struct rt_graph *graph, int x, const struct rt_model_options *options)
{
    static const struct form form = {.stages = {{"conv1.0", 64}, {"conv2.0", 256}},
                                     .conv_padding = 1,
                                     .average = 3,
                                     .hidden = {"mlp.0", "mlp.2"}};

    return build(graph, x, &form, options->dropout);
}

static int build_alexnet_paper(struct rt_graph *graph, int x, const struct rt_model_options *options)
{
    static const struct form form = {.stages = {{"conv1", 64}, {"conv2", 64}},
                                     .conv_padding = 2,
                                     .pool_padding = 1,
                                     .hidden = {"fc1", "fc2"}};

    return build(graph, x, &form, options->dropout);
}

const struct rt_model rt_model_alexnet = {.name = "AlexNet",
                                          .aliases = "AlexNetSmall",
                                          .help = "small AlexNet: two 5x5 convolutions, two hidden layers",
                                          .build = build_alexnet};

const struct rt_model rt_model_alexnet_paper = {.name = "AlexNetPaper",
                                                .aliases = "PaperAlexNet",
                                                .help = "the paper's small AlexNet: 1,387,786 parameters",
                                                .build = build_alexnet_paper};
