/* MLP1 and MLP3: linear layers of 512 with ReLU, then 10 logits. Dropout comes after each ReLU. */
#include "net/layers.h"
#include "net/models.h"

enum { HIDDEN = 512, CLASSES = 10 };

static int hidden_layers(struct rt_graph *graph, int x, int count, float dropout)
{
    x = rt_flatten(graph, x);
    for (int i = 1; i <= count; i++) {
        x = rt_linear(graph, x, RT_NAME("layer%d", i), HIDDEN);
        x = rt_relu(graph, x);
        x = rt_dropout(graph, x, dropout);
    }
    return x;
}

static int build_mlp1(struct rt_graph *graph, int x, const struct rt_model_options *options)
{
    x = hidden_layers(graph, x, 1, options->dropout);
    return rt_linear(graph, x, "classifier", CLASSES);
}

static int build_mlp3(struct rt_graph *graph, int x, const struct rt_model_options *options)
{
    x = hidden_layers(graph, x, 3, options->dropout);
    return rt_linear(graph, x, "head", CLASSES);
}

const struct rt_model rt_model_mlp1 = {
    .name = "MLP1", .aliases = "", .help = "one hidden layer of 512", .build = build_mlp1};
const struct rt_model rt_model_mlp3 = {
    .name = "MLP3", .aliases = "", .help = "three hidden layers of 512", .build = build_mlp3};
