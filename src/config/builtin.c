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

/* Assignments KEY=VALUE separated by spaces. They are ours and need no memory. */
static int set_all(struct rt_experiment *experiment, const char *settings, struct rt_error *err)
{
    while (*settings) {
        const size_t length = strcspn(settings, " ");
        char key[RT_TEXT_MAX], *value;
        struct rt_yaml_scalar scalar = {.plain = true};
        struct rt_yaml_entry entry = {.values = &scalar, .value_count = 1};

        snprintf(key, sizeof key, "%.*s", (int)length, settings);
        value = key + strcspn(key, "=");
        *value = '\0';
        entry.key.text = key;
        scalar.text = value + 1;
        RT_TRY(rt_experiment_set_entry(experiment, &entry, err));
        settings += length + strspn(settings + length, " ");
    }
    return RT_OK;
}

int rt_builtin_model_defaults(struct rt_experiment *experiment, const char *model, struct rt_error *err)
{
    const struct model_row *const row = find_model(model);

    return row ? set_all(experiment, row->settings, err) : RT_OK;
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

static int build(struct rt_experiment *experiment, int index, struct rt_error *err)
{
    char settings[RT_TEXT_MAX];
    const char *const model = index < FIGURE1 ? models[index / TESTS].name : "Inception";

    rt_experiment_defaults(experiment);
    snprintf(settings, sizeof settings, "model_name=%s", model);
    RT_TRY(set_all(experiment, settings, err));
    RT_TRY(rt_builtin_model_defaults(experiment, model, err));
    describe(index, settings);
    return set_all(experiment, settings, err);
}

static char names[COUNT][NAME_MAX_BYTES];

static void make_names(void)
{
    for (int i = 0; i < COUNT; i++) {
        const int test = i % TESTS;

        if (i >= FIGURE1)
            snprintf(names[i], NAME_MAX_BYTES, "Inception_bn%s", i == FIGURE1 ? "True" : "False");
        else if (test < LEVELS)
            snprintf(names[i], NAME_MAX_BYTES, "%s_%d.%d_none", models[i / TESTS].name, test / 10, test % 10);
        else
            snprintf(names[i], NAME_MAX_BYTES, "%s_0.0_%s", models[i / TESTS].name, pixel_tests[test - LEVELS]);
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
        if (!strcmp(rt_experiment_builtin_name(i), name))
            return build(experiment, i, err);
        rt_nearest_offer(&nearest, rt_experiment_builtin_name(i));
    }
    return rt_fail(err, RT_ECONFIG, "no experiment is called '%.100s'%s", name,
                   nearest.best ? rt_nearest_hint(&nearest, hint, sizeof hint)
                                : " ('rethink config --list' names them)");
}
