#include "config/builtin.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "config/corruptions.h"
#include "config/keys.h"
#include "config/model_defaults.h"
#include "config/models.h"

static const char *const models[] = {
#define MODEL_NAME(model, aliases, settings) #model,
    RT_PUBLISHED_MODELS(MODEL_NAME)
#undef MODEL_NAME
};

static const char *const pixel_tests[] = {
#define PIXEL_TEST(name, title, file, help) #name,
    RT_PIXEL_CORRUPTIONS(PIXEL_TEST)
#undef PIXEL_TEST
};

enum {
    MODELS = sizeof models / sizeof *models,
    LEVELS = 11,
    PIXEL_TESTS = sizeof pixel_tests / sizeof *pixel_tests,
    TESTS = LEVELS + PIXEL_TESTS,
    FIGURE1 = MODELS * TESTS,
    COUNT = FIGURE1 + 2,
    NAME_MAX_BYTES = 32
};

/* The settings of built-in experiment `index`, in addition to those of its model. */
static void describe(int index, char settings[RT_TEXT_MAX])
{
    const int test = index % TESTS;

    if (index >= FIGURE1)
        snprintf(settings, RT_TEXT_MAX, "figure1=false log_every=100 num_epochs=50 bn=%s",
                 index == FIGURE1 ? "true" : "false");
    else if (test < LEVELS)
        snprintf(settings, RT_TEXT_MAX, "label_corruption_prob=%d.%d", test / 10, test % 10);
    else
        snprintf(settings, RT_TEXT_MAX, "data_corruption_type=%s", pixel_tests[test - LEVELS]);
}

static int build(struct rt_experiment *experiment, int index, struct rt_error *err)
{
    char settings[RT_TEXT_MAX];

    rt_experiment_defaults(experiment);
    rt_copy_text(experiment->model_name, RT_TEXT_MAX, index < FIGURE1 ? models[index / TESTS] : "Inception");
    RT_TRY(rt_published_model_defaults(experiment, experiment->model_name, err));
    describe(index, settings);
    RT_TRY(rt_keys_set(experiment, settings, err));
    rt_experiment_derive_name(experiment);
    return RT_OK;
}

static char names[COUNT][NAME_MAX_BYTES];

int rt_experiment_tests(void)
{
    return TESTS;
}

bool rt_experiment_test_name(char *name, size_t size, const char *model, int test)
{
    const int length = test < LEVELS ? snprintf(name, size, "%s_%d.%d_none", model, test / 10, test % 10)
                                     : snprintf(name, size, "%s_0.0_%s", model, pixel_tests[test - LEVELS]);

    return length < (int)size;
}

static void make_names(void)
{
    for (int i = 0; i < COUNT; i++) {
        if (i >= FIGURE1)
            snprintf(names[i], NAME_MAX_BYTES, "Inception_bn%s", i == FIGURE1 ? "True" : "False");
        else
            rt_experiment_test_name(names[i], NAME_MAX_BYTES, models[i / TESTS], i % TESTS);
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

/* The parts of MODEL_PROBABILITY_CORRUPTION. */
struct parts {
    char model[RT_TEXT_MAX], probability[RT_TEXT_MAX];
    const char *corruption;
};

static bool parse_name(struct parts *parts, const char *name)
{
    static const char *const corruptions[] = {
#define CORRUPTION_NAME(name, title, file, help) #name,
        RT_CORRUPTIONS(CORRUPTION_NAME)
#undef CORRUPTION_NAME
    };
    const char *probability;
    char *end;

    if (!rt_copy_text(parts->model, RT_TEXT_MAX, name))
        return false;
    for (size_t i = 0; i < sizeof corruptions / sizeof *corruptions; i++) {
        const size_t length = strlen(parts->model), suffix = strlen(corruptions[i]) + 1;

        if (length <= suffix || parts->model[length - suffix] != '_' ||
            strcmp(parts->model + length - suffix + 1, corruptions[i]) != 0)
            continue;
        parts->corruption = corruptions[i];
        parts->model[length - suffix] = '\0';
        if (!(end = strrchr(parts->model, '_')) || end == parts->model)
            return false;
        *end = '\0';
        probability = end + 1;
        return *probability && !probability[strspn(probability, "0123456789.e-")] &&
               rt_name_is_valid(parts->model) && rt_copy_text(parts->probability, RT_TEXT_MAX, probability);
    }
    return false;
}

/* An experiment that is not among the published ones but has a name like theirs: MLP1_0.55_none. */
static int build_named(struct rt_experiment *experiment, const char *name, const struct parts *parts,
                       struct rt_error *err)
{
    struct rt_error cause;
    char settings[3 * RT_TEXT_MAX];

    rt_experiment_defaults(experiment);
    rt_copy_text(experiment->model_name, RT_TEXT_MAX, parts->model);
    rt_published_model_canonical(experiment->model_name);
    RT_TRY(rt_published_model_defaults(experiment, experiment->model_name, err));
    snprintf(settings, sizeof settings, "label_corruption_prob=%s data_corruption_type=%s", parts->probability,
             parts->corruption);
    if (rt_keys_set(experiment, settings, &cause))
        return rt_fail(err, RT_ECONFIG, "'%.100s': %.200s", name, cause.message + strcspn(cause.message, "l"));
    rt_experiment_derive_name(experiment);
    if (strcmp(experiment->experiment_name, name) != 0)
        return rt_fail(err, RT_ECONFIG, "no experiment is called '%.100s'; did you mean '%.100s'?", name,
                       experiment->experiment_name);
    return RT_OK;
}

int rt_experiment_builtin(struct rt_experiment *experiment, const char *name, struct rt_error *err)
{
    struct rt_nearest nearest = {.word = name};
    struct parts parts;
    char hint[64];

    for (int i = 0; i < COUNT; i++) {
        if (!strcmp(rt_experiment_builtin_name(i), name))
            return build(experiment, i, err);
        rt_nearest_offer(&nearest, rt_experiment_builtin_name(i));
    }
    if (parse_name(&parts, name))
        return build_named(experiment, name, &parts, err);
    return rt_fail(err, RT_ECONFIG, "no experiment is called '%.100s'%s", name,
                   nearest.best ? rt_nearest_hint(&nearest, hint, sizeof hint)
                                : " ('rethink config --list' names them)");
}
