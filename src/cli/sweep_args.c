#include "cli/sweep_args.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/thread.h"
#include "cli/signals.h"
#include "cli/sweep_plan.h"
#include "config/keys.h"
#include "data/source.h"
#include "figures/published.h"
#include "net/models.h"
#include "run/run.h"
#include "train/flops.h"

/* ---- one experiment and its grid ---- */

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
    if (axis->values == 1 || strcmp(before, after) == 0)
        return 0;
    const size_t used = strlen(name);
    if (snprintf(name + used, RT_TEXT_MAX - used, "_%s%s", key, after) >= (int)(RT_TEXT_MAX - used))
        return rt_fail(err, RT_EUSAGE, "--set %s: the run's name becomes too long", axis->assignment);
    return 0;
}

static int apply_number(struct rt_experiment *experiment, struct rt_sweep_run *run,
                        const struct rt_arguments *arguments, const char *option, const char *key,
                        struct rt_error *err)
{
    char setting[RT_TEXT_MAX];
    long value;
    if (!rt_argument(arguments, option))
        return 0;
    RT_TRY(rt_argument_integer(arguments, option, 1, 1000000, 1, &value, err));
    snprintf(setting, sizeof setting, "%s=%ld", key, value);
    RT_TRY(rt_experiment_set(experiment, setting, err));
    return strcmp(option, "epochs") == 0 ? 0 : rt_sweep_add_setting(run, setting, err);
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

/* Images in the data set that --data names: CIFAR-10's counts for directories too. */
static void count_images(const struct rt_experiment *experiment, const char *data, double *train, double *test)
{
#define RT_SOURCE_ADDRESS(name, ...) &rt_source_##name,
    static const struct rt_source_kind *const sources[] = {RT_SOURCES(RT_SOURCE_ADDRESS)};
#undef RT_SOURCE_ADDRESS
    const struct rt_source_kind *source = sources[0];
    for (size_t i = 0; data && i < sizeof sources / sizeof sources[0]; i++)
        if (strcmp(sources[i]->name, data) == 0)
            source = sources[i];
    *train = (double)source->train_count;
    *test = (double)source->test_count;
    if (experiment->train_size.given)
        *train = fmin(*train, (double)experiment->train_size.value);
    if (experiment->test_size.given)
        *test = fmin(*test, (double)experiment->test_size.value);
}

/* Operations and steps of an epoch, and how many epochs to expect. */
static int describe_cost(struct rt_sweep_run *run, const char *data, struct rt_error *err)
{
    const struct rt_experiment *experiment = &run->experiment;
    const struct rt_model_options options = {experiment->bn, (float)experiment->dropout};
    double train, test;
    struct rt_graph graph = {0};
    count_images(experiment, data, &train, &test);
    run->images = train + test;
    const int rc = rt_model_build(&graph, rt_model_find(experiment->model_name), &options, err);
    if (!rc) {
        run->flops_per_epoch = train * rt_flops_training(&graph);
        run->steps_per_epoch = ceil(train / (double)experiment->batch_size);
    }
    rt_graph_free(&graph);
    run->epochs_expected = (double)experiment->num_epochs;
    const double published = rt_published_epochs(experiment->model_name, experiment->data_corruption_type,
                                                 experiment->label_corruption_prob);
    if (experiment->figure1 && !experiment->curve && published < run->epochs_expected)
        run->epochs_expected = published;
    return rc;
}

/* The run at the axes' present values. */
static int add_one(struct rt_sweep *sweep, const struct rt_arguments *arguments, const char *base,
                   const char *const *settings, int stages, const struct axis *axes, int axis_count,
                   struct rt_error *err)
{
    struct rt_experiment experiment;
    struct rt_sweep_run *run;
    char name[RT_TEXT_MAX], setting[RT_TEXT_MAX + 32];
    RT_TRY(rt_experiment_resolve(&experiment, base, err));
    RT_TRY(rt_sweep_add(sweep, &experiment, base, &run, err));
    for (; *settings; settings++)
        RT_TRY(apply(&experiment, run, *settings, err));
    RT_TRY(apply_number(&experiment, run, arguments, "train-size", "train_size", err));
    RT_TRY(apply_number(&experiment, run, arguments, "epochs", "num_epochs", err));
    char suffix[RT_TEXT_MAX] = "";
    for (int i = 0; i < axis_count; i++)
        RT_TRY(apply_axis(&experiment, run, &axes[i], suffix, err));
    if (*suffix) {
        if (snprintf(name, sizeof name, "%s%s", experiment.experiment_name, suffix) >= (int)sizeof name)
            return rt_fail(err, RT_EUSAGE, "%s%s: the run's name is too long", experiment.experiment_name,
                           suffix);
        snprintf(setting, sizeof setting, "experiment_name=%s", name);
        RT_TRY(apply(&experiment, run, setting, err));
    }
    RT_TRY(check(&experiment, base, err));
    run->experiment = experiment;
    run->stage_count = stages;
    for (int i = 0; i < stages; i++)
        run->stages[i] = (experiment.num_epochs * (i + 1) + stages - 1) / stages;
    return describe_cost(run, sweep->options.data, err);
}

int rt_sweep_args_add(struct rt_sweep *sweep, const struct rt_arguments *arguments, const char *base,
                      const char *const *settings, int stages, struct rt_error *err)
{
    struct axis axes[RT_SETTINGS_MAX];
    const char *assignment;
    int count = 0;
    for (; (assignment = rt_argument_at(arguments, "set", count)); count++) {
        if (count == RT_SETTINGS_MAX)
            return rt_fail(err, RT_EUSAGE, "more than %d times --set", RT_SETTINGS_MAX);
        axes[count] = (struct axis){assignment, count_values(assignment), 0};
    }
    for (;;) {
        RT_TRY(add_one(sweep, arguments, base, settings, stages, axes, count, err));
        int i = count - 1; /* the last axis turns fastest */
        while (i >= 0 && ++axes[i].at == axes[i].values)
            axes[i--].at = 0;
        if (i < 0)
            return 0;
    }
}

int rt_sweep_args_models(const struct rt_arguments *arguments, const char *fallback,
                         int (*use)(struct rt_sweep *sweep, const struct rt_arguments *arguments,
                                    const char *model, struct rt_error *err),
                         struct rt_sweep *sweep, struct rt_error *err)
{
    const char *models = rt_argument(arguments, "models");
    for (models = models ? models : fallback; *models;) {
        char name[64];
        const size_t length = strcspn(models, ", ");
        snprintf(name, sizeof name, "%.*s", (int)length, models);
        const struct rt_model *model = rt_model_find(name);
        if (!model) {
            struct rt_nearest nearest = {.word = name};
            char hint[96];
            for (int i = 0; rt_models[i]; i++)
                rt_nearest_offer(&nearest, rt_models[i]->name);
            return rt_fail(err, RT_EUSAGE, "--models: there is no model '%s'%s", name,
                           rt_nearest_hint(&nearest, hint, sizeof hint));
        }
        RT_TRY(use(sweep, arguments, model->name, err));
        models += length + strspn(models + length, ", ");
    }
    return 0;
}

/* ---- the options ---- */

static const struct rt_launcher *find_launcher(const char *name)
{
    for (int i = 0; rt_launchers[i]; i++)
        if (strcmp(rt_launchers[i]->name, name) == 0)
            return rt_launchers[i];
    return NULL;
}

static int read_jobs(const struct rt_arguments *arguments, int *jobs, struct rt_error *err)
{
    const char *text = rt_argument(arguments, "jobs");
    long value = 0;
    if (text && strcmp(text, "auto") != 0)
        RT_TRY(rt_argument_integer(arguments, "jobs", 1, 1024, 1, &value, err));
    *jobs = (int)value;
    return 0;
}

static int read_options(struct rt_sweep_options *options, const struct rt_arguments *arguments, char *program,
                        struct rt_error *err)
{
    const char *runs = rt_argument(arguments, "runs"), *launcher = rt_argument(arguments, "launcher");
    const bool here = !launcher || strcmp(launcher, "local") == 0;
    const ssize_t length = readlink("/proc/self/exe", program, RT_PATH_MAX - 1);
    long cores;
    if (length < 0)
        return rt_fail(err, RT_EIO, "/proc/self/exe: cannot tell the path of this program");
    program[length] = 0;
    RT_TRY(rt_argument_integer(arguments, "cores", 1, here ? rt_core_count() : 1024, rt_core_count(), &cores,
                               err));
    *options = (struct rt_sweep_options){
        .program = program,
        .runs = runs ? runs : RT_RUNS_DEFAULT,
        .data = rt_argument(arguments, "data"),
        .engine = rt_argument(arguments, "engine"),
        .device = rt_argument(arguments, "device"),
        .cores = (int)cores,
        .fail_fast = rt_argument_flag(arguments, "fail-fast"),
        .fresh = rt_argument_flag(arguments, "fresh"),
        .quiet = rt_argument_flag(arguments, "quiet"),
        .partition = rt_argument(arguments, "partition"),
        .time_limit = rt_argument(arguments, "time"),
        .memory = rt_argument(arguments, "memory"),
    };
    return read_jobs(arguments, &options->jobs, err);
}

/* ---- carrying out ---- */

static void draw_after_run(void *context, const struct rt_sweep_run *run)
{
    struct rt_drawing *drawing = context;
    struct rt_error cause = {0};
    (void)run;
    if (rt_draw_all(drawing, &cause))
        rt_log_warn("figures: %s", cause.message);
}

static int launch_here(struct rt_sweep *sweep, const struct rt_launcher *launcher, struct rt_drawing *drawing,
                       bool draw, struct rt_error *err)
{
    struct rt_lock lock = {0};
    struct rt_error cause = {0};
    RT_TRY(rt_folder_make(sweep->options.runs, err));
    RT_TRY(rt_lock_acquire(&lock, sweep->options.runs, "sweep.lock", err));
    if (draw) {
        sweep->options.finished = draw_after_run;
        sweep->options.context = drawing;
    }
    const int rc = launcher->launch(sweep, err);
    drawing->under_way = false;
    drawing->quiet = sweep->options.quiet;
    const int drawn = draw ? rt_draw_all(drawing, rc ? &cause : err) : 0;
    if (rc && drawn)
        rt_log_warn("figures: %s", cause.message);
    rt_lock_release(&lock);
    return rc ? rc : drawn;
}

static int carry_out(struct rt_sweep *sweep, const struct rt_arguments *arguments, struct rt_error *err)
{
    const char *name = rt_argument(arguments, "launcher"), *figures = rt_argument(arguments, "figures");
    const struct rt_launcher *launcher = find_launcher(name ? name : "local");
    if (!launcher)
        return rt_fail(err, RT_EUSAGE, "--launcher: there is no '%s': local, slurm or print", name);
    if (launcher->patience && !rt_argument_flag(arguments, "dry-run"))
        sweep->options.stop = rt_signals_catch(launcher->patience);
    RT_TRY(rt_sweep_inspect(sweep, err));
    rt_sweep_share_cores(sweep);
    if (rt_argument_flag(arguments, "dry-run"))
        return rt_sweep_plan_print(sweep, err);
    if (launcher != &rt_launcher_local)
        return launcher->launch(sweep, err);
    struct rt_drawing drawing = {.runs = sweep->options.runs,
                                 .figures = figures ? figures : "figures",
                                 .reference = rt_argument(arguments, "reference"),
                                 .draw = true,
                                 .under_way = true,
                                 .quiet = true};
    return launch_here(sweep, launcher, &drawing, !rt_argument_flag(arguments, "no-figures"), err);
}

int rt_sweep_args_run(const struct rt_arguments *arguments,
                      int (*fill)(struct rt_sweep *sweep, const struct rt_arguments *arguments,
                                  struct rt_error *err),
                      struct rt_error *err)
{
    struct rt_sweep sweep = {0};
    char program[RT_PATH_MAX];
    int rc;
    if (rt_argument_flag(arguments, "quiet"))
        rt_log_set_level(RT_LOG_QUIET);
    if (!(rc = read_options(&sweep.options, arguments, program, err)) && !(rc = fill(&sweep, arguments, err)))
        rc = carry_out(&sweep, arguments, err);
    rt_sweep_free(&sweep);
    return rc;
}
