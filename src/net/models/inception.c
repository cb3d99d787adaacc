/* Inception, small (Zhang et al. 2017, appendix A): modules of a 1x1 and a 3x3 branch side by side, downsampled
 * by a strided convolution and a pool side by side. Dropout comes before the last layer.
 *
 * Two models differ in what is trained beside the convolutions' weights:
 * - Inception: the batch norms' scale and offset; with `bn: false` nothing, there being no bias either.
 * - InceptionPaper: one offset a channel, the batch norm's or, with `bn: false`, the convolution's bias. That
 *   alone gives the published count, 1,649,402 parameters, in both forms. */
#include "net/layers.h"
#include "net/models.h"

struct form {
    bool bias;                                                                     /* of the convolutions */
    int (*batch_norm)(struct rt_graph *graph, int x, const char *name, float eps); /* null: none */
};

/* Convolution, batch norm, ReLU: what the others are made of. */
static int unit(struct rt_graph *graph, int x, const char *name, int out, int kernel, int stride,
                const struct form *form)
{
    const struct rt_conv_options options = {
        .out = out, .kernel = kernel, .stride = stride, .padding = kernel / 2, .bias = form->bias};

    x = rt_conv(graph, x, RT_NAME("%s.conv", name), options);
    if (form->batch_norm)
        x = form->batch_norm(graph, x, RT_NAME("%s.bn", name), 1e-3F);
    return rt_relu(graph, x);
}

static int module(struct rt_graph *graph, int x, const char *name, int ones, int threes,
                  const struct form *form)
{
    const int branch1 = unit(graph, x, RT_NAME("%s.branch1", name), ones, 1, 1, form);
    const int branch3 = unit(graph, x, RT_NAME("%s.branch3", name), threes, 3, 1, form);

    return rt_concat(graph, branch1, branch3);
}

static int downsample(struct rt_graph *graph, int x, const char *name, int threes, const struct form *form)
{
    const int conv = unit(graph, x, RT_NAME("%s.conv", name), threes, 3, 2, form);
    const int pool = rt_max_pool(graph, x, 3, 2, 1);

    return rt_concat(graph, conv, pool);
}

static int build(struct rt_graph *graph, int x, const struct form *form, float dropout)
{
    x = unit(graph, x, "downsample0", 96, 3, 1, form);
    x = module(graph, x, "inception1", 32, 32, form);
    x = module(graph, x, "inception2", 32, 48, form);
    x = downsample(graph, x, "downsample1", 80, form); /* to 14 x 14 */
    x = module(graph, x, "inception3", 112, 48, form);
    x = module(graph, x, "inception4", 96, 64, form);
    x = module(graph, x, "inception5", 80, 80, form);
    x = module(graph, x, "inception6", 48, 96, form);
    x = downsample(graph, x, "downsample2", 96, form); /* to 7 x 7 */
    x = module(graph, x, "inception7", 176, 160, form);
    x = module(graph, x, "inception8", 176, 160, form);
    x = rt_avg_pool(graph, x, 1);
    x = rt_dropout(graph, x, dropout);
    return rt_linear(graph, x, "head", 10);
}

static int build_inception(struct rt_graph *graph, int x, const struct rt_model_options *options)
{
    const struct form form = {.batch_norm = options->batch_norm ? rt_batch_norm : NULL};

    return build(graph, x, &form, options->dropout);
}

static int build_inception_paper(struct rt_graph *graph, int x, const struct rt_model_options *options)
{
    const struct form form = {.bias = !options->batch_norm,
                              .batch_norm = options->batch_norm ? rt_batch_norm_unscaled : NULL};

    return build(graph, x, &form, options->dropout);
}

const struct rt_model rt_model_inception = {.name = "Inception",
                                            .aliases = "InceptionSmall",
                                            .help = "small Inception, with or without batch norm",
                                            .build = build_inception};

const struct rt_model rt_model_inception_paper = {
    .name = "InceptionPaper",
    .aliases = "PaperInception",
    .help = "the paper's small Inception: 1,649,402 parameters, with or without batch norm",
    .build = build_inception_paper};
