/* AlexNet, small (Zhang et al. 2017, appendix A): two stages of convolution, pooling and local response
 * normalisation, then linear layers of 384 and 192. Dropout comes after each hidden linear layer's ReLU. */
#include "net/layers.h"
#include "net/models.h"

static int stage(struct rt_graph *graph, int x, const char *name, int out)
{
    x = rt_conv(graph, x, name, (struct rt_conv_options){.out = out, .kernel = 5, .padding = 1, .bias = true});
    x = rt_relu(graph, x);
    x = rt_max_pool(graph, x, 3, 2, 0);
    return rt_lrn(graph, x, 5, 1e-4F, 0.75F, 2);
}

static int hidden(struct rt_graph *graph, int x, const char *name, int out, float dropout)
{
    x = rt_linear(graph, x, name, out);
    x = rt_relu(graph, x);
    return rt_dropout(graph, x, dropout);
}

static int build_alexnet(struct rt_graph *graph, int x, const struct rt_model_options *options)
{
    x = stage(graph, x, "conv1.0", 64);
    x = stage(graph, x, "conv2.0", 256);
    x = rt_avg_pool(graph, x, 3);
    x = rt_flatten(graph, x);
    x = hidden(graph, x, "mlp.0", 384, options->dropout);
    x = hidden(graph, x, "mlp.2", 192, options->dropout);
    return rt_linear(graph, x, "head", 10);
}

const struct rt_model rt_model_alexnet = {.name = "AlexNet",
                                          .aliases = "AlexNetSmall",
                                          .help = "small AlexNet: two 5x5 convolutions, two hidden layers",
                                          .build = build_alexnet};
