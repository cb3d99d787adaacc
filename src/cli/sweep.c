/* rethink sweep: many runs, as a plan that is carried out and can be interrupted and resumed. */
#include <fnmatch.h>
#include <string.h>

#include "cli/sweep_args.h"
#include "net/models.h"

static const char *const no_settings[] = {NULL};

/* A name or file, or a pattern over the built-in names. */
static int add_operand(struct rt_sweep *sweep, const struct rt_arguments *arguments, const char *operand,
                       struct rt_error *err)
{
    if (rt_model_find(operand))
        return rt_fail(err, RT_EUSAGE,
                       "'%s' is a model: 'rethink sweep \"%s_*_none\"' is it on eleven levels of label noise",
                       operand, rt_model_find(operand)->name);
    if (!strpbrk(operand, "*?["))
        return rt_sweep_args_add(sweep, arguments, operand, no_settings, 1, err);
    const int before = sweep->count;
    for (int i = 0; i < rt_experiment_count(); i++) {
        char name[RT_TEXT_MAX];
        rt_experiment_name(i, name);
        if (fnmatch(operand, name, 0) == 0)
            RT_TRY(rt_sweep_args_add(sweep, arguments, name, no_settings, 1, err));
    }
    if (sweep->count == before)
        return rt_fail(err, RT_EUSAGE,
                       "'%s' matches no built-in experiment ('rethink config --list' names them)", operand);
    return RT_OK;
}

static int fill(struct rt_sweep *sweep, const struct rt_arguments *arguments, struct rt_error *err)
{
    for (int i = 0; i < arguments->operand_count; i++)
        RT_TRY(add_operand(sweep, arguments, arguments->operands[i], err));
    return RT_OK;
}

static int run_sweep(const struct rt_arguments *arguments, struct rt_error *err)
{
    return rt_sweep_args_run(arguments, fill, err);
}

static const struct rt_option options[] = {RT_SWEEP_OPTIONS, {0}};

const struct rt_command rt_command_sweep = {
    .name = "sweep",
    .operands = "EXPERIMENT...",
    .operands_min = 1,
    .operands_max = -1,
    .operand_values = RT_EXPERIMENT_VALUES,
    .summary = "Train many experiments in parallel, then draw figures and report.",
    .description =
        "An EXPERIMENT is a built-in name, a pattern over built-in names (quote it), or a YAML file. --set "
        "with several values, --set seed=1,2,3, makes a grid; values other than the experiment's own go into "
        "the run's name (MLP1_0.0_none_seed2).\n\nFinished runs are skipped, interrupted ones resumed: to "
        "resume a sweep, repeat its command. Each run is a process of its own, or with --launcher threads (the "
        "default on a GPU) a thread of this one. One that fails is reported at once and does not stop the "
        "others; Ctrl-C, SIGTERM, SIGUSR1 and a closed terminal let all of them save, and another, more than a "
        "second later, ends them at once. A run that another process holds is put off; one that is still held "
        "a minute after all else has ended fails. A run whose config is not the planned one is refused unless "
        "--fresh.",
    .examples = "rethink sweep 'MLP1_*_none'                       # eleven label corruption levels\n"
                "rethink sweep MLP3_0.0_none --set seed=1,2,3      # three seeds\n"
                "rethink sweep 'WRN_*' --dry-run                   # what it will cost\n"
                "rethink sweep 'AlexNet_*' --launcher slurm --partition cpu --time 8:00:00 --cores 8\n",
    .options = options,
    .run = run_sweep,
};
