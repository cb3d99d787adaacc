/* WideResNet, pre-activation, two blocks a stage, widening 3 (Zagoruyko and Komodakis 2016). Dropout comes
 * inside each block, before its second convolution, as in section 2.4 there. */
#include "net/layers.h"
#include "net/models.h"

static int bn_relu(struct rt_graph *graph, int x, const char *name)
{
    return rt_relu(graph, rt_batch_norm(graph, x, name, 1e-5F));
}

static int conv3(struct rt_graph *graph, int x, const char *name, int out, int stride)
{
    return rt_conv(graph, x, name,
                   (struct rt_conv_options){.out = out, .kernel = 3, .stride = stride, .padding = 1});
}

/* A stage's first block changes the shape, so its shortcut is a 1x1 convolution with its own batch norm. Its
 * layers are created last: that is the order in which a seed's weights are drawn. */
static int shortcut(struct rt_graph *graph, int x, const char *name, int out, int stride)
{
    x = bn_relu(graph, x, RT_NAME("%s.shortcut.bn", name));
    return rt_conv(graph, x, RT_NAME("%s.shortcut.conv", name),
                   (struct rt_conv_options){.out = out, .kernel = 1, .stride = stride});
}

static int block(struct rt_graph *graph, int x, const char *name, int out, int stride, float dropout)
{
    int y = bn_relu(graph, x, RT_NAME("%s.bn1", name));

    y = conv3(graph, y, RT_NAME("%s.conv1", name), out, stride);
    y = bn_relu(graph, y, RT_NAME("%s.bn2", name));
    y = rt_dropout(graph, y, dropout);
    y = conv3(graph, y, RT_NAME("%s.conv2", name), out, 1);
    if (stride != 1)
        x = shortcut(graph, x, name, out, stride);
    return rt_add(graph, x, y);
}

static int stage(struct rt_graph *graph, int x, const char *name, int width, float dropout)
{
    x = block(graph, x, RT_NAME("%s.0", name), width, 2, dropout);
    return block(graph, x, RT_NAME("%s.1", name), width, 1, dropout);
}

static int build_wrn(struct rt_graph *graph, int x, const struct rt_model_options *options)
{
    x = conv3(graph, x, "conv1", 16, 1);
    x = stage(graph, x, "layer1", 48, options->dropout);
    x = stage(graph, x, "layer2", 96, options->dropout);
    x = stage(graph, x, "layer3", 192, options->dropout);
    x = bn_relu(graph, x, "bn1");
    x = rt_avg_pool(graph, x, 1);
    return rt_linear(graph, x, "classifier", 10);
}

const struct rt_model rt_model_wrn = {.name = "WRN",
                                      .aliases = "WideResNet",
                                      .help = "wide residual network: 16 layers, widening 3",
                                      .build = build_wrn};
