/* The paper's small Inception, 1,649,402 parameters with and without batch norm: one trained offset a channel,
 * the batch norm's (without a scale) or, with `bn: false`, the convolution's bias. That is what makes the
 * published count come out exactly in both forms; the Inception of net/models/inception.c has scale and offset,
 * or neither. Dropout comes before the last layer. */
#include "net/layers.h"
#include "net/models.h"

/* Convolution, batch norm, ReLU: what the others are made of. */
static int unit(struct rt_graph *graph, int x, const char *name, int out, int kernel, int stride,
                bool batch_norm)
{
    const struct rt_conv_options options = {
        .out = out, .kernel = kernel, .stride = stride, .padding = kernel / 2, .bias = !batch_norm};

    x = rt_conv(graph, x, RT_NAME("%s.conv", name), options);
    if (batch_norm)
        x = rt_batch_norm_unscaled(graph, x, RT_NAME("%s.bn", name), 1e-3F);
    return rt_relu(graph, x);
}

static int module(struct rt_graph *graph, int x, const char *name, int ones, int threes, bool batch_norm)
{
    const int branch1 = unit(graph, x, RT_NAME("%s.branch1", name), ones, 1, 1, batch_norm);
    const int branch3 = unit(graph, x, RT_NAME("%s.branch3", name), threes, 3, 1, batch_norm);

    return rt_concat(graph, branch1, branch3);
}

static int downsample(struct rt_graph *graph, int x, const char *name, int threes, bool batch_norm)
{
    const int conv = unit(graph, x, RT_NAME("%s.conv", name), threes, 3, 2, batch_norm);
    const int pool = rt_max_pool(graph, x, 3, 2, 1);

    return rt_concat(graph, conv, pool);
}

static int build_inception_paper(struct rt_graph *graph, int x, const struct rt_model_options *options)
{
    const bool bn = options->batch_norm;

    x = unit(graph, x, "downsample0", 96, 3, 1, bn);
    x = module(graph, x, "inception1", 32, 32, bn);
    x = module(graph, x, "inception2", 32, 48, bn);
    x = downsample(graph, x, "downsample1", 80, bn); /* to 14 x 14 */
    x = module(graph, x, "inception3", 112, 48, bn);
    x = module(graph, x, "inception4", 96, 64, bn);
    x = module(graph, x, "inception5", 80, 80, bn);
    x = module(graph, x, "inception6", 48, 96, bn);
    x = downsample(graph, x, "downsample2", 96, bn); /* to 7 x 7 */
    x = module(graph, x, "inception7", 176, 160, bn);
    x = module(graph, x, "inception8", 176, 160, bn);
    x = rt_avg_pool(graph, x, 1);
    x = rt_dropout(graph, x, options->dropout);
    return rt_linear(graph, x, "head", 10);
}

const struct rt_model rt_model_inception_paper = {
    .name = "InceptionPaper",
    .aliases = "PaperInception",
    .help = "the paper's small Inception: 1,649,402 parameters, with or without batch norm",
    .build = build_inception_paper};
