#include "sweep/sweep.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/entry.h"
#include "base/memory.h"
#include "run/run.h"

/* At least so many operations an epoch make threads pay: the MLPs have 0.3e12 to 0.5e12, the smallest
 * convolutional network here 13e12. */
static const double threads_pay_flops = 2e12;

const char *rt_sweep_state_name(enum rt_sweep_state state)
{
    static const char *const names[] = {
#define RT_SWEEP_STATE_NAME(symbol, name) name,
        RT_SWEEP_STATES(RT_SWEEP_STATE_NAME)
#undef RT_SWEEP_STATE_NAME
    };

    return names[state];
}

void rt_sweep_free(struct rt_sweep *sweep)
{
    for (int i = 0; i < sweep->count; i++) {
        rt_free(&sweep->runs[i].base);
        for (int k = 0; k < sweep->runs[i].setting_count; k++)
            rt_free(&sweep->runs[i].settings[k]);
    }
    rt_free(&sweep->runs);
    *sweep = (struct rt_sweep){0};
}

int rt_sweep_add(struct rt_sweep *sweep, const struct rt_experiment *experiment, const char *base,
                 struct rt_sweep_run **run, struct rt_error *err)
{
    RT_TRY(rt_realloc(&sweep->runs, (size_t)sweep->count + 1, sizeof *sweep->runs, "sweep", err));
    struct rt_sweep_run *new = &sweep->runs[sweep->count];
    *new = (struct rt_sweep_run){
        .experiment = *experiment,
        .stages = {experiment->num_epochs},
        .stage_count = 1,
        .cores = 1,
        .epochs_expected = NAN,
        .flops_per_epoch = NAN,
        .disk_bytes = NAN,
        .steps_per_epoch = NAN,
        .images = NAN,
        .seconds_per_step = NAN,
        .pace_s = NAN,
        .memory_bytes = NAN,
        .progress = {NAN, rt_scores_none()},
    };
    sweep->count++;
    *run = new;
    return rt_strdup(&new->base, base, err);
}

int rt_sweep_add_setting(struct rt_sweep_run *run, const char *setting, struct rt_error *err)
{
    if (run->setting_count == RT_SETTINGS_MAX)
        return rt_fail(err, RT_EUSAGE, "more than %d settings for one run", RT_SETTINGS_MAX);
    RT_TRY(rt_strdup(&run->settings[run->setting_count], setting, err));
    run->setting_count++;
    return RT_OK;
}

bool rt_sweep_is_set(const struct rt_sweep_run *run, const char *key)
{
    const size_t length = strlen(key);

    for (int i = 0; i < run->setting_count; i++)
        if (!strncmp(run->settings[i], key, length) && run->settings[i][length] == '=')
            return true;
    return false;
}

/* A run in the directory must be the one planned. */
static int check_config(const struct rt_sweep_run *run, struct rt_error *err)
{
    struct rt_experiment had;
    struct rt_text differences = {0}, assignments = {0};
    char ignored[sizeof RT_RUN_MAY_CHANGE + 8];

    if (rt_entry_look(run->directory, RT_CONFIG_FILE) == RT_ENTRY_NONE)
        return RT_OK;
    RT_TRY(rt_run_read_config(&had, run->directory, err));
    /* a seed that was drawn is no change */
    const bool drawn = !run->experiment.seed.given || run->experiment.reseed_on_resume;
    snprintf(ignored, sizeof ignored, "%s%s", RT_RUN_MAY_CHANGE, drawn ? " seed" : "");
    if (!rt_experiment_difference(&run->experiment, &had, ignored))
        return RT_OK;
    rt_experiment_append_differences(&run->experiment, &had, ignored, &differences);
    rt_experiment_format_assignments(&had, &run->experiment, ignored, &assignments);
    rt_fail(err, RT_ECONFIG,
            "%s: %.400s%s as in the run that is there: %.400s resumes it, --fresh starts it over, "
            "--set experiment_name=NAME or --runs keeps both",
            run->directory, rt_text_string(&differences), differences.length > 400 ? " ..." : "",
            rt_text_string(&assignments));
    rt_text_free(&differences);
    rt_text_free(&assignments);
    return RT_ECONFIG;
}

/* Whether nothing is left to do after `stage`, from the run's result. */
static bool is_done(const struct rt_sweep_run *run, const struct rt_result *result, int stage)
{
    if (result->state != RT_RUN_finished)
        return false;
    if (result->threshold.reached && run->experiment.figure1 && !run->experiment.curve)
        return true;
    return result->epochs >= run->stages[stage];
}

static int inspect(struct rt_sweep_run *run, const struct rt_sweep_options *options, struct rt_error *err)
{
    struct rt_result result;

    RT_TRY(rt_run_path(run->directory, options->runs, &run->experiment, err));
    run->state = RT_SWEEP_WAITING;
    run->stage = 0;
    run->epochs_done = 0;
    if (options->fresh)
        return RT_OK;
    RT_TRY(check_config(run, err));
    if (rt_result_read(&result, run->directory, NULL))
        return RT_OK; /* the run itself will report what is wrong */
    run->epochs_done = (double)result.epochs;
    while (run->stage < run->stage_count && is_done(run, &result, run->stage))
        run->stage++;
    if (run->stage == run->stage_count)
        run->state = RT_SWEEP_FINISHED;
    else if (result.state == RT_RUN_diverged)
        run->stage = 0; /* the run itself reports that it cannot be resumed */
    return RT_OK;
}

/* Two runs of the plan would be stored in one folder. */
static int refuse_twice(const struct rt_sweep_run *run, const struct rt_sweep_run *other, struct rt_error *err)
{
    struct rt_text text = {0};

    rt_experiment_append_differences(&run->experiment, &other->experiment, "", &text);
    rt_fail(err, RT_EUSAGE, "%s is in the plan twice%s%.600s%s: give one of them another experiment_name",
            run->experiment.experiment_name, text.length ? " (" : "", rt_text_string(&text),
            text.length ? ")" : "");
    rt_text_free(&text);
    return RT_EUSAGE;
}

int rt_sweep_inspect(struct rt_sweep *sweep, struct rt_error *err)
{
    for (int i = 0; i < sweep->count; i++) {
        RT_TRY(inspect(&sweep->runs[i], &sweep->options, err));
        for (int k = 0; k < i; k++)
            if (!strcmp(sweep->runs[i].directory, sweep->runs[k].directory))
                return refuse_twice(&sweep->runs[i], &sweep->runs[k], err);
    }
    return RT_OK;
}

void rt_sweep_share_cores(struct rt_sweep *sweep)
{
    const int cores = sweep->options.cores, jobs = sweep->options.jobs;
    int waiting = 0;

    for (int i = 0; i < sweep->count; i++)
        waiting += sweep->runs[i].state != RT_SWEEP_FINISHED;
    for (int i = 0; i < sweep->count; i++) {
        struct rt_sweep_run *run = &sweep->runs[i];
        if (sweep->slots)
            run->cores = 1; /* feeds the device */
        else if (jobs > 0)
            run->cores = cores / jobs > 1 ? cores / jobs : 1;
        else
            run->cores = waiting == 1 || !(run->flops_per_epoch < threads_pay_flops) ? cores : 1;
    }
}

void rt_sweep_command(struct rt_sweep_command *command, const struct rt_sweep *sweep,
                      const struct rt_sweep_run *run, int stage)
{
    const struct rt_sweep_options *options = &sweep->options;
    int n = 0;

    *command = (struct rt_sweep_command){0};
    snprintf(command->epochs, sizeof command->epochs, "%lld", (long long)run->stages[stage]);
    snprintf(command->threads, sizeof command->threads, "%d", run->cores);
    command->words[n++] = options->program;
    command->words[n++] = "train";
    command->words[n++] = run->base;
    for (int i = 0; i < run->setting_count; i++) {
        command->words[n++] = "--set";
        command->words[n++] = run->settings[i];
    }
    const struct {
        const char *name, *value;
    } given[] = {{"--epochs", command->epochs}, {"--runs", options->runs},     {"--data", options->data},
                 {"--engine", options->engine}, {"--device", options->device}, {"--threads", command->threads}};
    for (size_t i = 0; i < sizeof given / sizeof given[0]; i++) {
        if (!given[i].value)
            continue;
        command->words[n++] = given[i].name;
        command->words[n++] = given[i].value;
    }
    if (options->fresh && stage == 0)
        command->words[n++] = "--fresh";
    command->words[n++] = "--quiet";
    command->words[n] = NULL;
}
