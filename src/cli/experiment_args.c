#include "cli/experiment_args.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/path.h"
#include "base/text.h"
#include "base/utf8.h"
#include "config/builtin.h"
#include "config/keys.h"
#include "config/model_defaults.h"
#include "net/models.h"

static bool is_set(const struct rt_option *option)
{
    return !strcmp(option->name, "set");
}

static bool is_shorthand(const struct rt_option *option)
{
#define SHORTHAND_NAME(word, key, argument, help)                                                              \
    if (!strcmp(option->name, word))                                                                           \
        return true;
    RT_SHORTHANDS(SHORTHAND_NAME)
#undef SHORTHAND_NAME
    return false;
}

/* KEY=VALUE of a --set that names its key in full, of one that does not, or of a shorthand. */
static int write_text(struct rt_assignment *assignment, const char *given, struct rt_error *err)
{
    const struct rt_option *option = assignment->option;
    const size_t length = is_set(option) ? strcspn(given, "=") : 0;
    const struct rt_key *key;
    char name[RT_TEXT_MAX];

    assignment->text = given;
    if (is_set(option) && (!given[length] || length >= sizeof name))
        return RT_OK; /* rt_experiment_set says what is wrong */
    snprintf(name, sizeof name, "%.*s", (int)length, given);
    key = rt_key_find_short(is_set(option) ? name : option->name);
    if (is_set(option) && (!key || !strcmp(key->name, name)))
        return RT_OK;
    if (snprintf(assignment->store, sizeof assignment->store, "%s=%s", key->name,
                 is_set(option) ? given + length + 1 : given) >= (int)sizeof assignment->store)
        return rt_fail(err, RT_EUSAGE, "--%s: the value is too long", option->name);
    assignment->text = assignment->store;
    return RT_OK;
}

int rt_assignment_next(struct rt_assignment *assignment, const struct rt_arguments *arguments, int *at,
                       struct rt_error *err)
{
    *assignment = (struct rt_assignment){0};
    while (*at < arguments->given_count) {
        const struct rt_option *option = arguments->given[*at].option;
        const char *value = arguments->given[(*at)++].value;

        assignment->option = option;
        if (is_set(option) || is_shorthand(option))
            return write_text(assignment, value, err);
    }
    return RT_OK;
}

bool rt_assignment_sets(const struct rt_arguments *arguments, const char *key)
{
    const size_t length = strlen(key);
    struct rt_assignment assignment;
    int at = 0;

    while (!rt_assignment_next(&assignment, arguments, &at, NULL) && assignment.text)
        if (!strncmp(assignment.text, key, length) && assignment.text[length] == '=')
            return true;
    return false;
}

int rt_assignment_blame(const struct rt_arguments *arguments, const struct rt_error *cause,
                        struct rt_error *err)
{
    static const char prefix[] = "--set ";
    const bool is_of_key = !strncmp(cause->message, prefix, strlen(prefix));
    const char *message = is_of_key ? cause->message + strlen(prefix) : cause->message;
    const size_t length = strcspn(message, ":");

    for (int i = arguments->given_count - 1; is_of_key && i >= 0; i--) {
        const struct rt_option *option = arguments->given[i].option;
        const struct rt_key *key = is_shorthand(option) ? rt_key_find_short(option->name) : NULL;

        if (key && strlen(key->name) == length && !strncmp(key->name, message, length))
            return rt_fail(err, RT_EUSAGE, "--%s: %s", option->name, message);
    }
    return rt_fail(err, cause->status, "%s", cause->message);
}

bool rt_assignment_is_preset(const char *assignment)
{
    return !strncmp(assignment, "preset=", strlen("preset="));
}

/* The presets, or all else: a preset comes first, wherever it was given. */
static int apply_some(struct rt_experiment *experiment, const struct rt_arguments *arguments, bool presets,
                      struct rt_error *err)
{
    struct rt_assignment assignment;
    struct rt_error cause = {0};
    int at = 0;

    for (;;) {
        RT_TRY(rt_assignment_next(&assignment, arguments, &at, err));
        if (!assignment.text)
            return RT_OK;
        if (rt_assignment_is_preset(assignment.text) == presets &&
            rt_experiment_set(experiment, assignment.text, &cause))
            return rt_assignment_blame(arguments, &cause, err);
    }
}

int rt_assignments_apply(struct rt_experiment *experiment, const struct rt_arguments *arguments,
                         struct rt_error *err)
{
    RT_TRY(apply_some(experiment, arguments, true, err));
    return apply_some(experiment, arguments, false, err);
}

/* The i-th model that is not among the published ones; null: there are fewer. */
static const struct rt_model *own_model(int index)
{
    for (int i = 0; rt_models[i]; i++)
        if (!rt_published_model_known(rt_models[i]->name) && index-- == 0)
            return rt_models[i];
    return NULL;
}

int rt_experiment_count(void)
{
    int models = 0;

    while (own_model(models))
        models++;
    return rt_experiment_builtin_count() + models * rt_experiment_tests();
}

void rt_experiment_name(int index, char name[RT_TEXT_MAX])
{
    const int published = rt_experiment_builtin_count(), tests = rt_experiment_tests();

    if (index < published)
        rt_copy_text(name, RT_TEXT_MAX, rt_experiment_builtin_name(index));
    else
        rt_experiment_test_name(name, RT_TEXT_MAX, own_model((index - published) / tests)->name,
                                (index - published) % tests);
}

static int unknown_model(const struct rt_experiment *experiment, const char *origin, struct rt_error *err)
{
    struct rt_nearest nearest = {.word = experiment->model_name};
    char place[64] = "", hint[96];
    int line, column;

    for (int i = 0; rt_models[i]; i++)
        rt_nearest_offer(&nearest, rt_models[i]->name);
    if (rt_path_is_file(origin) && rt_experiment_where(origin, "model_name", &line, &column))
        snprintf(place, sizeof place, ":%d:%d", line, column);
    return rt_fail(
        err, RT_ECONFIG, "%s%s: model_name: there is no model '%.64s'%s", origin, place, experiment->model_name,
        nearest.best ? rt_nearest_hint(&nearest, hint, sizeof hint) : " ('rethink view --models' lists them)");
}

int rt_experiment_set_device(struct rt_experiment *experiment, const struct rt_arguments *arguments,
                             struct rt_error *err)
{
    const char *device = rt_argument(arguments, "device");
    char assignment[RT_TEXT_MAX + sizeof "device="];

    if (!device)
        return RT_OK;
    snprintf(assignment, sizeof assignment, "device=%s", device);
    return rt_experiment_set(experiment, assignment, err);
}

/* --labels FILE. A file that is there is kept by its whole path, so that the run is resumed from any folder. */
int rt_experiment_set_labels(struct rt_experiment *experiment, const char *given, struct rt_error *err)
{
    char whole[PATH_MAX];

    if (!given)
        return RT_OK;
    RT_TRY(rt_experiment_set(experiment, "label_noise=file", err));
    if (realpath(given, whole))
        given = whole;
    if (!rt_copy_text(experiment->label_file, RT_TEXT_MAX, given))
        return rt_fail(err, RT_EUSAGE, "--labels: %.60s...: a path of more than %d bytes", given,
                       RT_TEXT_MAX - 1);
    if (!rt_utf8_is_plain(experiment->label_file))
        return rt_fail(err, RT_EUSAGE, "--labels: the path holds control characters");
    return RT_OK;
}

int rt_experiment_apply_arguments(struct rt_experiment *experiment, const struct rt_arguments *arguments,
                                  const char *origin, struct rt_error *err)
{
    const struct rt_model *model;
    struct rt_error inner = {0};

    RT_TRY(rt_assignments_apply(experiment, arguments, err));
    RT_TRY(rt_experiment_set_labels(experiment, rt_argument(arguments, "labels"), err));
    RT_TRY(rt_experiment_set_device(experiment, arguments, err));
    if (!(model = rt_model_find(experiment->model_name)))
        return unknown_model(experiment, origin, err);
    snprintf(experiment->model_name, sizeof experiment->model_name, "%s", model->name);
    if (rt_experiment_check(experiment, &inner))
        return rt_fail(err, inner.status, "%s: %s", origin, inner.message);
    rt_experiment_remarks(experiment);
    return RT_OK;
}

/* As rt_experiment_resolve; a model's name is no experiment's, but says what is meant. */
static int resolve(struct rt_experiment *experiment, const char *name, const struct rt_arguments *arguments,
                   struct rt_error *err)
{
    const struct rt_model *model;
    struct rt_error cause = {0};

    if (!rt_experiment_resolve(experiment, name, &cause))
        return RT_OK;
    if (cause.status == RT_ECONFIG && (model = rt_model_find(name)))
        return rt_fail(
            err, RT_ECONFIG,
            "'%s' is a model: 'rethink %s %s_0.0_none' is it on true labels, %s_0.5_none with half of "
            "them random",
            name, arguments->command->name, model->name, model->name);
    return rt_fail(err, cause.status, "%s", cause.message);
}

int rt_experiment_from_arguments(struct rt_experiment *experiment, const struct rt_arguments *arguments,
                                 struct rt_error *err)
{
    const char *config = rt_argument(arguments, "config");
    const char *name = arguments->operand_count ? arguments->operands[0] : config;

    if (!name)
        return rt_fail(err, RT_EUSAGE,
                       "'rethink %s' needs an EXPERIMENT: a YAML file, or a built-in name such as "
                       "MLP1_1.0_none ('rethink config --list' names them)",
                       arguments->command->name);
    if (config && arguments->operand_count)
        return rt_fail(err, RT_EUSAGE, "both '%s' and --config %s: one experiment at a time", name, config);
    RT_TRY(resolve(experiment, name, arguments, err));
    return rt_experiment_apply_arguments(experiment, arguments, name, err);
}

#define LABEL_KEYS                                                                                             \
    "experiment_name label_corruption_prob label_noise label_noise_split label_noise_matrix label_file "       \
    "data_corruption_type seed"

int rt_experiment_without_network(struct rt_experiment *experiment, const struct rt_arguments *arguments,
                                  bool sizes, struct rt_error *err)
{
    const char *labels = rt_argument(arguments, "labels"), *other;
    struct rt_experiment usual;

    rt_experiment_defaults(&usual);
    *experiment = usual;
    RT_TRY(rt_assignments_apply(experiment, arguments, err));
    other =
        rt_experiment_difference(experiment, &usual, sizes ? LABEL_KEYS " train_size test_size" : LABEL_KEYS);
    if (other)
        return rt_fail(err, RT_EUSAGE,
                       "--set %s: has no effect here, where no network is trained; %s takes seed, "
                       "%sdata_corruption_type and the keys of labels",
                       other, arguments->command->name, sizes ? "train_size, test_size, " : "");
    if (labels && !strcmp(labels, "random"))
        RT_TRY(rt_experiment_set(experiment, "label_corruption_prob=1", err));
    else if (labels && strcmp(labels, "true") != 0)
        RT_TRY(rt_experiment_set_labels(experiment, labels, err));
    if (!experiment->seed.given)
        return rt_fail(err, RT_EUSAGE, "--seed null: a number from 0 to 4294967295 is needed");
    return RT_OK;
}
