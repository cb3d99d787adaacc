/* rethink figure1: every run of the paper's figure 1, and the figures. */
#include "cli/sweep_args.h"
#include "config/builtin.h"
#include "config/models.h"

static const char *const no_settings[] = {NULL};

/* Eleven label corruption levels and three pixel tests. */
static int add_model(struct rt_sweep *sweep, const struct rt_arguments *arguments, const char *model,
                     struct rt_error *err)
{
    char name[RT_TEXT_MAX];

    for (int i = 0; i < rt_experiment_tests(); i++) {
        rt_experiment_test_name(name, sizeof name, model, i);
        RT_TRY(rt_sweep_args_add(sweep, arguments, name, no_settings, 1, err));
    }
    return RT_OK;
}

static int fill(struct rt_sweep *sweep, const struct rt_arguments *arguments, struct rt_error *err)
{
    return rt_sweep_args_models(arguments, RT_PUBLISHED_MODEL_WORDS, add_model, sweep, err);
}

static int run_figure1(const struct rt_arguments *arguments, struct rt_error *err)
{
    return rt_sweep_args_run(arguments, fill, err);
}

static const struct rt_option options[] = {
    {"models", 0, "LIST", RT_PUBLISHED_MODEL_WORDS,
     "only these models, separated by commas (default: all five)"},
    RT_SWEEP_OPTIONS,
    {0},
};

const struct rt_command rt_command_figure1 = {
    .name = "figure1",
    .operands = "",
    .summary = "Run and draw the paper's figure 1: fitting true, corrupted and random labels and pixels.",
    .description =
        "A sweep of five models times eleven label corruption levels and three pixel tests, each to the "
        "interpolation threshold; then the learning curves, the convergence slowdown and the growth of the "
        "generalization error. Finished runs are skipped: see 'rethink sweep --help'.",
    .examples = "rethink figure1 --dry-run                         # the plan and what it will cost\n"
                "rethink figure1 --models MLP1,MLP3\n"
                "rethink figure1 --device cuda:0,1 --side-by-side 4   # eight runs at once on two GPUs\n"
                "rethink figure1 --models WRN --set seed=42,43,44  # mean and 95 % band of three seeds\n",
    .options = options,
    .run = run_figure1,
};
