/* The grid of a sweep: one experiment at each combination of the values given for its keys. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "config/builtin.h"
#include "config/keys.h"
#include "net/models.h"
#include "sweep/sweep.h"

/* One setting of the grid: KEY=V1,V2,... with the value that is taken now. */
struct axis {
    const char *assignment;
    int values, at;
};

static bool splits(const char *assignment)
{
    char key[RT_TEXT_MAX];

    snprintf(key, sizeof key, "%.*s", (int)strcspn(assignment, "="), assignment);
    const struct rt_key *row = rt_key_find(key);
    return row && row->type != RT_KEY_INTEGERS && row->type != RT_KEY_WORDS && row->type != RT_KEY_TEXT &&
           row->type != RT_KEY_OPTIONAL_TEXT;
}

static int count_values(const char *assignment)
{
    int count = 1;

    if (splits(assignment))
        for (; *assignment; assignment++)
            count += *assignment == ',';
    return count;
}

/* KEY=VALUE of the axis's present value. */
static void take_value(const struct axis *axis, char *setting, size_t size)
{
    const char *value = strchr(axis->assignment, '=');

    if (!value || axis->values == 1) {
        snprintf(setting, size, "%s", axis->assignment);
        return;
    }
    const int key = (int)(value - axis->assignment);
    value++;
    for (int i = 0; i < axis->at; i++)
        value += strcspn(value, ",") + 1;
    snprintf(setting, size, "%.*s=%.*s", key, axis->assignment, (int)strcspn(value, ","), value);
}

static int apply(struct rt_experiment *experiment, struct rt_sweep_run *run, const char *setting,
                 struct rt_error *err)
{
    RT_TRY(rt_experiment_set(experiment, setting, err));
    return rt_sweep_add_setting(run, setting, err);
}

/* A value of the grid other than the experiment's own goes into the name: MLP1_0.0_none_seed2. */
static int apply_axis(struct rt_experiment *experiment, struct rt_sweep_run *run, const struct axis *axis,
                      char name[RT_TEXT_MAX], struct rt_error *err)
{
    char setting[RT_TEXT_MAX], before[RT_TEXT_MAX], after[RT_TEXT_MAX], key[RT_TEXT_MAX];

    take_value(axis, setting, sizeof setting);
    snprintf(key, sizeof key, "%.*s", (int)strcspn(setting, "="), setting);
    rt_experiment_value(experiment, key, before, sizeof before);
    RT_TRY(apply(experiment, run, setting, err));
    rt_experiment_value(experiment, key, after, sizeof after);
    if (axis->values == 1 || !strcmp(before, after))
        return RT_OK;
    const size_t used = strlen(name);
    if (snprintf(name + used, RT_TEXT_MAX - used, "_%s%s", key, after) >= (int)(RT_TEXT_MAX - used))
        return rt_fail(err, RT_EUSAGE, "--set %s: the run's name becomes too long", axis->assignment);
    return RT_OK;
}

static int check(struct rt_experiment *experiment, const char *base, struct rt_error *err)
{
    struct rt_error cause = {0};
    const struct rt_model *model = rt_model_find(experiment->model_name);

    if (!model)
        return rt_fail(err, RT_ECONFIG, "%s: model_name: there is no model '%.64s'", base,
                       experiment->model_name);
    snprintf(experiment->model_name, sizeof experiment->model_name, "%s", model->name);
    const int rc = rt_experiment_check(experiment, &cause);
    return rc ? rt_fail(err, cause.status, "%s: %s", base, cause.message) : 0;
}

/* The run at the axes' present values. */
static int add_one(struct rt_sweep *sweep, const struct rt_grid *grid, const struct axis *axes, int axis_count,
                   struct rt_error *err)
{
    struct rt_experiment experiment;
    struct rt_sweep_run *run;
    char name[RT_TEXT_MAX], setting[RT_TEXT_MAX + 32], suffix[RT_TEXT_MAX] = "";

    RT_TRY(rt_experiment_resolve(&experiment, grid->base, err));
    RT_TRY(rt_sweep_add(sweep, &experiment, grid->base, &run, err));
    for (int i = 0; grid->settings && grid->settings[i]; i++)
        RT_TRY(apply(&experiment, run, grid->settings[i], err));
    for (int i = 0; i < axis_count; i++)
        RT_TRY(apply_axis(&experiment, run, &axes[i], suffix, err));
    if (*suffix) {
        if (snprintf(name, sizeof name, "%s%s", experiment.experiment_name, suffix) >= (int)sizeof name)
            return rt_fail(err, RT_EUSAGE, "%s%s: the run's name is too long", experiment.experiment_name,
                           suffix);
        snprintf(setting, sizeof setting, "experiment_name=%s", name);
        RT_TRY(apply(&experiment, run, setting, err));
    }
    RT_TRY(check(&experiment, grid->base, err));
    run->experiment = experiment;
    run->stage_count = grid->stages;
    for (int i = 0; i < grid->stages; i++)
        run->stages[i] = (experiment.num_epochs * (i + 1) + grid->stages - 1) / grid->stages;
    return rt_sweep_estimate_run(run, sweep->options.data, err);
}

int rt_sweep_add_grid(struct rt_sweep *sweep, const struct rt_grid *grid, struct rt_error *err)
{
    struct axis axes[RT_SETTINGS_MAX];
    int count = 0;

    for (; grid->axes && grid->axes[count]; count++) {
        if (count == RT_SETTINGS_MAX)
            return rt_fail(err, RT_EUSAGE, "more than %d times --set", RT_SETTINGS_MAX);
        axes[count] = (struct axis){grid->axes[count], count_values(grid->axes[count]), 0};
    }
    for (;;) {
        RT_TRY(add_one(sweep, grid, axes, count, err));
        int i = count - 1; /* the last axis turns fastest */
        while (i >= 0 && ++axes[i].at == axes[i].values)
            axes[i--].at = 0;
        if (i < 0)
            return RT_OK;
    }
}
