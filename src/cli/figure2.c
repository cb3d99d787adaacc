/* rethink figure2: Inception with and without batch norm. */
#include "cli/sweep_args.h"

static int fill(struct rt_sweep *sweep, const struct rt_arguments *arguments, struct rt_error *err)
{
    static const char *const no_settings[] = {NULL};

    RT_TRY(rt_sweep_args_add(sweep, arguments, "Inception_bnTrue", no_settings, 1, err));
    return rt_sweep_args_add(sweep, arguments, "Inception_bnFalse", no_settings, 1, err);
}

static int run_figure2(const struct rt_arguments *arguments, struct rt_error *err)
{
    return rt_sweep_args_run(arguments, fill, err);
}

static const struct rt_option options[] = {RT_SWEEP_OPTIONS, {0}};

const struct rt_command rt_command_figure2 = {
    .name = "figure2",
    .operands = "",
    .summary = "Run and draw the paper's figure 2: Inception with and without batch norm.",
    .description =
        "Both networks on true labels, tested at every log point, without early stop. Finished runs are "
        "skipped: see 'rethink sweep --help'.",
    .examples = "rethink figure2 --epochs 50\n",
    .options = options,
    .run = run_figure2,
};
