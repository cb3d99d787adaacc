#include "cli/experiment_args.h"

#include <stdio.h>
#include <string.h>

#include "base/path.h"
#include "base/text.h"
#include "config/builtin.h"
#include "net/models.h"

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

int rt_experiment_apply_arguments(struct rt_experiment *experiment, const struct rt_arguments *arguments,
                                  const char *origin, struct rt_error *err)
{
    const char *assignment, *const epochs = rt_argument(arguments, "epochs");
    const struct rt_model *model;
    struct rt_error inner = {0};
    char line[RT_TEXT_MAX];
    long unused;

    for (int i = 0; (assignment = rt_argument_at(arguments, "set", i)); i++)
        RT_TRY(rt_experiment_set(experiment, assignment, err));
    if (epochs) {
        RT_TRY(rt_argument_integer(arguments, "epochs", 1, 1000000, 1, &unused, err));
        snprintf(line, sizeof line, "num_epochs=%ld", unused);
        RT_TRY(rt_experiment_set(experiment, line, err));
    }
    RT_TRY(rt_experiment_set_device(experiment, arguments, err));
    if (!(model = rt_model_find(experiment->model_name)))
        return unknown_model(experiment, origin, err);
    snprintf(experiment->model_name, sizeof experiment->model_name, "%s", model->name);
    if (rt_experiment_check(experiment, &inner))
        return rt_fail(err, inner.status, "%s: %s", origin, inner.message);
    rt_experiment_remarks(experiment);
    return RT_OK;
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
    RT_TRY(rt_experiment_resolve(experiment, name, err));
    return rt_experiment_apply_arguments(experiment, arguments, name, err);
}
