/* The list of models. Adding one: its file in net/models/ and its line here (docs/adding-a-model.md). */
#ifndef RT_NET_MODELS_H
#define RT_NET_MODELS_H

#include "net/graph.h"

struct rt_model_options {
    bool batch_norm; /* config key `bn`: Inception with or without */
    float dropout;   /* config key `dropout`: rate; each model's file says where */
    int channels;    /* of the images; 0: 3 */
};

struct rt_model {
    const char *name;    /* config key `model_name`, and the first part of experiment names */
    const char *aliases; /* other accepted spellings, separated by spaces */
    const char *help;    /* one line */
    /* Appends the layers from the images, node x, to the logits; returns the logits' node. */
    int (*build)(struct rt_graph *graph, int x, const struct rt_model_options *options);
};

#define RT_MODELS(X)                                                                                           \
    X(mlp1)                                                                                                    \
    X(mlp3)                                                                                                    \
    X(alexnet)                                                                                                 \
    X(inception)                                                                                               \
    X(wrn)                                                                                                     \
    X(inception_paper)                                                                                         \
    X(alexnet_paper)

#define RT_MODEL_DECLARE(name) extern const struct rt_model rt_model_##name;
RT_MODELS(RT_MODEL_DECLARE)
#undef RT_MODEL_DECLARE

/* All models, in the list's order, ended by null. */
extern const struct rt_model *const rt_models[];

/* By name or alias (case matters); null if there is none. */
const struct rt_model *rt_model_find(const char *name);

/* Builds input channels x 28 x 28 -> model -> loss into *graph, replacing its content. Errors: RT_ECONFIG
 * (options that the model cannot take), RT_EMEMORY; *graph is then zeroed. */
int rt_model_build(struct rt_graph *graph, const struct rt_model *model, const struct rt_model_options *options,
                   struct rt_error *err);

#endif
