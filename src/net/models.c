#include "net/models.h"

#include <stdio.h>
#include <string.h>

#include "net/layers.h"

enum { CHANNELS = 3, SIDE = 28 }; /* CIFAR-10's images' central crop; MNIST's have one channel */

#define RT_MODEL_ADDRESS(name) &rt_model_##name,
const struct rt_model *const rt_models[] = {RT_MODELS(RT_MODEL_ADDRESS) NULL};
#undef RT_MODEL_ADDRESS

/* Whether `word` is one of `words`, which are separated by spaces. */
static bool contains_word(const char *words, const char *word)
{
    const size_t length = strlen(word);

    for (const char *at = words; length && (at = strstr(at, word)); at += length)
        if ((at == words || at[-1] == ' ') && (at[length] == ' ' || at[length] == '\0'))
            return true;
    return false;
}

const struct rt_model *rt_model_find(const char *name)
{
    for (size_t i = 0; rt_models[i]; i++)
        if (!strcmp(rt_models[i]->name, name) || contains_word(rt_models[i]->aliases, name))
            return rt_models[i];
    return NULL;
}

int rt_model_build(struct rt_graph *graph, const struct rt_model *model, const struct rt_model_options *options,
                   struct rt_error *err)
{
    struct rt_graph g = {0};
    int x, rc;

    x = rt_input(&g, options->channels ? options->channels : CHANNELS, SIDE, SIDE);
    x = model->build(&g, x, options);
    rt_softmax_cross_entropy(&g, x);
    if ((rc = rt_graph_finish(&g, err)))
        rt_graph_free(&g);
    *graph = g;
    return rc;
}
