/* rethink plot: draws the figures from finished runs. */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/output.h"
#include "cli/results.h"
#include "cli/sweep_args.h"
#include "figures/figures.h"
#include "figures/smooth.h"

static const struct rt_option options[] = {
    RT_OPTION_RUNS,
    RT_OPTION_WHERE,
    RT_OPTION_OUTPUT("figures go"),
    {"reference", 0, "DIR", "@dirs", "draw the published points, one CSV file per figure, behind ours"},
    {"steps", 0, NULL, NULL, "x in logged points, as published, instead of epochs"},
    {"smooth", 0, "N", NULL, "points in the smoothing window, odd; 0: as logged (default: 21)"},
    {"data-name", 0, "NAME", RT_SOURCE_WORDS, "only runs on this data set (default: the one most runs are on)"},
    RT_OPTION_QUIET,
    {0},
};

struct progress {
    const char *directory;
    int count;
};

static void say_drawn(void *context, const struct rt_figure_kind *kind)
{
    struct progress *progress = context;

    progress->count++;
    rt_log_info("%s/%s.png", progress->directory, kind->name);
}

static int run_plot(const struct rt_arguments *arguments, struct rt_error *err)
{
    const char *runs = rt_argument(arguments, "runs"), *output = rt_argument(arguments, "output");
    struct rt_records records = {0};
    struct rt_left_outs left_out = {0};
    long window;

    runs = runs ? runs : "runs";
    RT_TRY(rt_argument_integer(arguments, "smooth", 0, RT_SMOOTH_WINDOW_MAX, RT_SMOOTH_WINDOW, &window, err));
    if (window != 0 && (window % 2 == 0 || window < RT_SMOOTH_ORDER + 2))
        return rt_fail(err, RT_EUSAGE, "--smooth %ld: the window must be odd and at least 5, or 0", window);
    if (rt_argument_flag(arguments, "quiet"))
        rt_log_set_level(RT_LOG_QUIET);
    RT_TRY(rt_records_read(&records, runs, err));
    int rc = rt_results_where(&records, arguments, err);
    if (!rc)
        rc = rt_records_keep_data(&records, rt_argument(arguments, "data-name"), err);
    rt_results_say_left_out(&records.left_out);
    const struct rt_figure_options figure_options = {rt_argument(arguments, "reference"),
                                                     rt_argument_flag(arguments, "steps"), (int)window};
    struct progress progress = {output ? output : "figures", 0};
    if (!rc)
        rc = rt_figures_draw(&records, progress.directory, arguments->operands, arguments->operand_count,
                             &figure_options, say_drawn, &progress, &left_out, err);
    if (!rc)
        rt_results_say_left_out(&left_out);
    rt_left_outs_free(&left_out);
    if (!rc && progress.count == 0)
        rc = rt_fail(err, RT_EDATA, "%s: no run that a figure shows (%zu runs read)", runs, records.count);
    if (!rc && arguments->operand_count == 0)
        rt_draw_samples(&records, progress.directory, rt_argument_flag(arguments, "quiet"));
    rt_records_free(&records);
    return rc;
}

#define FIGURE_NAME(name, builder, model, help) " " #name
const struct rt_command rt_command_plot = {
    .name = "plot",
    .operands = "[FIGURE...]",
    .operands_max = -1,
    .operand_values = RT_FIGURES(FIGURE_NAME),
    .summary = "Draw the figures of the published results from runs.",
    .description = "Draws every figure that the runs have data for, or those named, each as .svg and .png, "
                   "beside the .csv with "
                   "its numbers and the gnuplot script .gp that made it: edit that and run gnuplot on it to "
                   "restyle the figure."
                   "\n\nFigures:" RT_FIGURES(
                       FIGURE_NAME) "; and, without a name, sample images of the data and its corruptions.\n\n"
                                    "Several runs of an experiment that differ in their "
                                    "seed are drawn as mean and 95 % band.",
    .examples = "rethink plot                                # all figures, from runs/ into figures/\n"
                "rethink plot mlp1_curves --smooth 0         # one, as logged\n"
                "rethink plot --reference published/         # published points behind ours\n",
    .options = options,
    .run = run_plot,
};
