#include "support/network.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/mt19937.h"
#include "net/layers.h"
#include "net/models.h"

enum { ARGUMENTS_MAX = 8, VALUES_MAX = 64 };

/* One statement taken apart. */
struct statement {
    char word[32];
    double arguments[ARGUMENTS_MAX];
    int argument_count;
    int inputs[2]; /* statements */
    int input_count;
};

static bool parse(const char *text, int length, int previous, struct statement *s)
{
    char copy[256], *rest = NULL, *word;

    *s = (struct statement){.inputs = {previous, previous}};
    if (length >= (int)sizeof copy)
        return false;
    snprintf(copy, sizeof copy, "%.*s", length, text);
    word = strtok_r(copy, " ", &rest);
    if (!word)
        return false;
    snprintf(s->word, sizeof s->word, "%s", word);
    while ((word = strtok_r(NULL, " ", &rest))) {
        if (*word == '@' && s->input_count < 2)
            s->inputs[s->input_count++] = atoi(word + 1);
        else if (*word != '@' && s->argument_count < ARGUMENTS_MAX)
            s->arguments[s->argument_count++] = strtod(word, NULL);
        else
            return false;
    }
    return s->inputs[0] <= previous && s->inputs[1] <= previous;
}

/* Appends the statement's layer; -1 without an error in the graph: no such layer. */
static int append(struct rt_graph *g, const struct statement *s, int x, int y, const char *name)
{
    const double *a = s->arguments;
    const int i[ARGUMENTS_MAX] = {(int)a[0], (int)a[1], (int)a[2], (int)a[3], (int)a[4]};

    if (!strcmp(s->word, "conv"))
        return rt_conv(g, x, name,
                       (struct rt_conv_options){
                           .out = i[0], .kernel = i[1], .stride = i[2], .padding = i[3], .bias = i[4]});
    if (!strcmp(s->word, "linear"))
        return rt_linear(g, x, name, i[0]);
    if (!strcmp(s->word, "relu"))
        return rt_relu(g, x);
    if (!strcmp(s->word, "bn"))
        return i[1] ? rt_batch_norm_unscaled(g, x, name, (float)a[0]) : rt_batch_norm(g, x, name, (float)a[0]);
    if (!strcmp(s->word, "max_pool"))
        return rt_max_pool(g, x, i[0], i[1], i[2]);
    if (!strcmp(s->word, "avg_pool"))
        return rt_avg_pool(g, x, i[0]);
    if (!strcmp(s->word, "lrn"))
        return rt_lrn(g, x, i[0], (float)a[1], (float)a[2], (float)a[3]);
    if (!strcmp(s->word, "concat"))
        return rt_concat(g, x, y);
    if (!strcmp(s->word, "add"))
        return rt_add(g, x, y);
    if (!strcmp(s->word, "flatten"))
        return rt_flatten(g, x);
    if (!strcmp(s->word, "dropout"))
        return rt_dropout(g, x, (float)a[0]);
    if (!strcmp(s->word, "loss"))
        return rt_softmax_cross_entropy(g, x);
    return -1;
}

int rt_test_network(struct rt_graph *graph, struct rt_shape input, const char *text, struct rt_error *err)
{
    int values[VALUES_MAX];
    int count = 0;

    *graph = (struct rt_graph){0};
    values[count++] = rt_input(graph, input.channels, input.height, input.width);
    for (const char *at = text; *at; count++) {
        const int length = (int)strcspn(at, ";");
        struct statement s;

        if (count == VALUES_MAX || !parse(at, length, count - 1, &s))
            return rt_fail(err, RT_EUSAGE, "cannot read the layer \"%.*s\" of a test's network", length, at);
        values[count] = append(graph, &s, values[s.inputs[0]], values[s.inputs[1]], RT_NAME("s%d", count));
        if (values[count] < 0 && !graph->error.status)
            return rt_fail(err, RT_EUSAGE, "a test's network has an unknown layer \"%s\"", s.word);
        at += length + (at[length] == ';');
    }
    return rt_graph_finish(graph, err);
}

int rt_test_model(struct rt_graph *graph, const char *name, struct rt_error *err)
{
    static const char without[] = "NoBN";
    const size_t length = strlen(name), suffix = sizeof without - 1;
    const bool plain = length > suffix && !strcmp(name + length - suffix, without);
    char base[64];

    snprintf(base, sizeof base, "%.*s", (int)(plain ? length - suffix : length), name);
    const struct rt_model *model = rt_model_find(base);

    *graph = (struct rt_graph){0};
    if (!model)
        return rt_fail(err, RT_EUSAGE, "a test asks for an unknown model %s", name);
    return rt_model_build(graph, model, &(struct rt_model_options){.batch_norm = !plain}, err);
}

bool rt_test_same_bytes(const void *a, const void *b, size_t size)
{
    return memcmp(a, b, size) == 0;
}

void rt_test_fill(uint32_t seed, double *values, size_t count)
{
    struct rt_mt generator;

    rt_mt_seed(&generator, seed);
    for (size_t i = 0; i < count; i++)
        values[i] = (double)(rt_mt_next(&generator) & 0xffffff) * 0x1p-23 - 1;
}

int rt_test_batch(uint32_t seed, int count, double *images, uint8_t *labels, struct rt_error *err)
{
    const size_t values = (size_t)count * 3 * 28 * 28;
    double *draws;

    RT_TRY(rt_alloc(&draws, (size_t)count, sizeof *draws, "a test's labels", err));
    rt_test_fill(seed, images, values);
    for (size_t i = 0; i < values; i++)
        images[i] *= 2;
    rt_test_fill(seed + 1, draws, (size_t)count);
    for (int i = 0; i < count; i++)
        labels[i] = (uint8_t)(5 * (draws[i] + 1));
    rt_free(&draws);
    return RT_OK;
}
