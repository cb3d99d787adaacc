#include "config/builtin.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

enum { LEVELS = 11, PIXEL_TESTS = 3, TESTS = LEVELS + PIXEL_TESTS, NAME_MAX_BYTES = 32 };

static const struct model_row {
    const char *name, *aliases, *settings;
} models[] = {
#define MODEL_ROW(model, aliases, settings) {#model, aliases, settings},
    RT_MODEL_DEFAULTS(MODEL_ROW)
#undef MODEL_ROW
};

enum { MODELS = sizeof models / sizeof *models, FIGURE1 = MODELS * TESTS, COUNT = FIGURE1 + 2 };

static const char *const pixel_tests[PIXEL_TESTS] = {"shuff_pix", "rand_pix", "gauss_pix"};
static const char *const figure2_settings[2] = {
    "model_name=Inception figure1=false log_every=100 num_epochs=50 bn=true",
    "model_name=Inception figure1=false log_every=100 num_epochs=50 bn=false",
};

static const struct model_row *find_model(const char *name)
{
    for (int i = 0; i < MODELS; i++)
        if (!strcmp(models[i].name, name) || rt_text_has_word(models[i].aliases, name))
            return &models[i];
    return NULL;
}

/* Assignments separated by spaces; they are ours, so none fails. */
static void set_all(struct rt_experiment *experiment, const char *settings)
{
    while (*settings) {
        const size_t length = strcspn(settings, " ");
        char assignment[RT_TEXT_MAX];

        snprintf(assignment, sizeof assignment, "%.*s", (int)length, settings);
        rt_experiment_set(experiment, assignment, NULL);
        settings += length + strspn(settings + length, " ");
    }
}

void rt_builtin_model_defaults(struct rt_experiment *experiment, const char *model)
{
    const struct model_row *const row = find_model(model);

    if (row)
        set_all(experiment, row->settings);
}

void rt_builtin_model_canonical(char name[RT_TEXT_MAX])
{
    const struct model_row *const row = find_model(name);

    if (row)
        rt_copy_text(name, RT_TEXT_MAX, row->name);
}

bool rt_builtin_model_known(const char *model)
{
    return find_model(model) != NULL;
}

/* The settings of built-in experiment `index` beside those of its model. */
static void describe(int index, char settings[RT_TEXT_MAX])
{
    const int test = index % TESTS;

    if (index >= FIGURE1)
        snprintf(settings, RT_TEXT_MAX, "%s", figure2_settings[index - FIGURE1]);
    else if (test < LEVELS)
        snprintf(settings, RT_TEXT_MAX, "label_corruption_prob=%d.%d", test / 10, test % 10);
    else
        snprintf(settings, RT_TEXT_MAX, "data_corruption_type=%s", pixel_tests[test - LEVELS]);
}

static void build(struct rt_experiment *experiment, int index)
{
    char settings[RT_TEXT_MAX];
    const char *const model = index < FIGURE1 ? models[index / TESTS].name : "Inception";

    rt_experiment_defaults(experiment);
    snprintf(settings, sizeof settings, "model_name=%s", model);
    set_all(experiment, settings);
    rt_builtin_model_defaults(experiment, model);
    describe(index, settings);
    set_all(experiment, settings);
}

static char names[COUNT][NAME_MAX_BYTES];

static void make_names(void)
{
    for (int i = 0; i < COUNT; i++) {
        struct rt_experiment experiment;

        build(&experiment, i);
        rt_copy_text(names[i], NAME_MAX_BYTES, experiment.experiment_name);
    }
}

int rt_experiment_builtin_count(void)
{
    return COUNT;
}

const char *rt_experiment_builtin_name(int index)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, make_names);
    return names[index];
}

int rt_experiment_builtin(struct rt_experiment *experiment, const char *name, struct rt_error *err)
{
    struct rt_nearest nearest = {.word = name};
    char hint[64];

    for (int i = 0; i < COUNT; i++) {
        if (!strcmp(rt_experiment_builtin_name(i), name)) {
            build(experiment, i);
            return RT_OK;
        }
        rt_nearest_offer(&nearest, rt_experiment_builtin_name(i));
    }
    return rt_fail(err, RT_ECONFIG, "no experiment is called '%.100s'%s", name,
                   nearest.best ? rt_nearest_hint(&nearest, hint, sizeof hint)
                                : " ('rethink config --list' names them)");
}
