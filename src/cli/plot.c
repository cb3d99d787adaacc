/* rethink plot: draws the figures from finished runs. */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/output.h"
#include "cli/results.h"
#include "cli/sweep_args.h"
#include "figures/any.h"
#include "figures/figures.h"
#include "figures/gnuplot.h"
#include "figures/smooth.h"

static const struct rt_option options[] = {
    RT_OPTION_RUNS,
    RT_OPTION_WHERE,
    RT_OPTION_OUTPUT("figures go"),
    {"reference", 0, "DIR", "@dirs", "draw the published points, one CSV file per figure, behind ours"},
    {"x", 0, "COLUMN", "epoch step images flops seconds log_point @columns",
     "draw --y against this: a column of 'rethink results', or along the run epoch, step (batches), images, "
     "flops, seconds, log_point"},
    {"y", 0, "COLUMN", "@columns", "what is drawn against --x: a column, or along the run a metric"},
    {"by", 0, "COLUMN,...", "@columns", "a series for each value of these, and of what else differs"},
    {"log", 0, "AXES", "x y xy", "logarithmic axes"},
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

/* The options of both kinds of figures. */
struct wish {
    const char *runs, *directory;
    bool quiet, smooth_given;
    long window;
};

static int read_wish(struct wish *wish, const struct rt_arguments *arguments, struct rt_error *err)
{
    const char *runs = rt_argument(arguments, "runs"), *output = rt_argument(arguments, "output");

    *wish = (struct wish){.runs = runs ? runs : "runs",
                          .directory = output ? output : "figures",
                          .quiet = rt_argument_flag(arguments, "quiet"),
                          .smooth_given = rt_argument(arguments, "smooth")};
    RT_TRY(rt_argument_integer(arguments, "smooth", 0, RT_SMOOTH_WINDOW_MAX, RT_SMOOTH_WINDOW, &wish->window,
                               err));
    if (wish->window != 0 && (wish->window % 2 == 0 || wish->window < RT_SMOOTH_ORDER + 2))
        return rt_fail(err, RT_EUSAGE, "--smooth %ld: the window must be odd and at least 5, or 0",
                       wish->window);
    return RT_OK;
}

/* ---- a question of one's own ---- */

static int check_any(const struct rt_arguments *arguments, struct rt_error *err)
{
    static const char *const needing[] = {"y", "by", "log"}, *const without[] = {"reference", "steps"};
    const bool any = rt_argument(arguments, "x");

    for (size_t i = 0; i < sizeof needing / sizeof *needing && !any; i++)
        if (rt_argument(arguments, needing[i]))
            return rt_fail(err, RT_EUSAGE, "--%s needs --x: a column, or epoch, step, images, flops, seconds",
                           needing[i]);
    if (any && !rt_argument(arguments, "y"))
        return rt_fail(err, RT_EUSAGE, "--x needs --y: what is drawn against it, as --y test_acc");
    if (any && arguments->operand_count)
        return rt_fail(err, RT_EUSAGE, "--x makes a figure of its own: not together with %s",
                       arguments->operands[0]);
    for (size_t i = 0; i < sizeof without / sizeof *without && any; i++)
        if (rt_argument(arguments, without[i]))
            return rt_fail(err, RT_EUSAGE, "--%s is for the published figures, not with --x", without[i]);
    return RT_OK;
}

static int draw_any(const struct rt_arguments *arguments, const struct wish *wish,
                    const struct rt_records *records, struct rt_any *any, struct rt_error *err)
{
    struct rt_figure figure;

    RT_TRY(rt_any_parse(any, rt_argument(arguments, "x"), rt_argument(arguments, "y"),
                        rt_argument(arguments, "by"), rt_argument(arguments, "log"), err));
    any->window = wish->smooth_given ? (int)wish->window : 0;
    any->where = rt_argument(arguments, "where");
    int rc = rt_any_build(&figure, any, records, err);
    if (!rc)
        rt_results_say_left_out(&figure.left_out);
    if (!rc && !rt_figure_has_data(&figure))
        rc = rt_fail(err, RT_EDATA, "%s: none of %zu runs has %s and %s to draw", wish->runs, records->count,
                     rt_argument(arguments, "x"), rt_argument(arguments, "y"));
    if (!rc && !(rc = rt_figure_draw(&figure, wish->directory, err)))
        rt_log_info("%s/%s.png", wish->directory, any->name);
    rt_figure_free(&figure);
    return rc;
}

/* ---- the published figures ---- */

static int draw_published(const struct rt_arguments *arguments, const struct wish *wish,
                          const struct rt_records *records, struct rt_error *err)
{
    struct rt_left_outs left_out = {0};
    const struct rt_figure_options drawing = {rt_argument(arguments, "reference"),
                                              rt_argument_flag(arguments, "steps"), (int)wish->window};
    struct progress progress = {wish->directory, 0};
    int rc = rt_figures_draw(records, progress.directory, arguments->operands, arguments->operand_count,
                             &drawing, say_drawn, &progress, &left_out, err);

    if (!rc)
        rt_results_say_left_out(&left_out);
    rt_left_outs_free(&left_out);
    if (!rc && progress.count == 0)
        rc = rt_fail(err, RT_EDATA, "%s: no run that a figure shows (%zu runs read)", wish->runs,
                     records->count);
    if (!rc && arguments->operand_count == 0)
        rt_draw_samples(records, progress.directory, wish->quiet);
    return rc;
}

static int run_plot(const struct rt_arguments *arguments, struct rt_error *err)
{
    struct rt_records records = {0};
    struct rt_any *any = NULL;
    struct wish wish;
    const bool own = rt_argument(arguments, "x");

    RT_TRY(read_wish(&wish, arguments, err));
    RT_TRY(check_any(arguments, err));
    if (wish.quiet)
        rt_log_set_level(RT_LOG_QUIET);
    RT_TRY(rt_alloc(&any, 1, sizeof *any, "figure", err));
    int rc = rt_records_read(&records, wish.runs, err);
    if (!rc)
        rc = rt_results_where(&records, arguments, err);
    if (!rc && (!own || rt_argument(arguments, "data-name")))
        rc = rt_records_keep_data(&records, rt_argument(arguments, "data-name"), err);
    if (!rc) {
        rt_results_say_left_out(&records.left_out);
        rc = own ? draw_any(arguments, &wish, &records, any, err)
                 : draw_published(arguments, &wish, &records, err);
    }
    rt_records_free(&records);
    rt_free(&any);
    return rc;
}

#define FIGURE_NAME(name, builder, model, help) " " #name
const struct rt_command rt_command_plot = {
    .name = "plot",
    .operands = "[FIGURE...]",
    .operands_max = -1,
    .operand_values = RT_FIGURES(FIGURE_NAME),
    .summary = "Draw the figures of the published results, or any number against any key, from runs.",
    .description =
        "Draws every figure that the runs have data for, or those named, each as .svg, .png and .pdf, beside "
        "the .csv with its numbers and the gnuplot script .gp that made it: edit that and run gnuplot on it to "
        "restyle the figure. Runs are placed by their configs; those that differ in other keys are drawn "
        "beside each other, with what they differ in. What is not drawn is counted and named, with the "
        "reason.\n\n"
        "Figures:" RT_FIGURES(
            FIGURE_NAME) "; MODEL_curves and MODEL_corrup_curves of models of your own; and, "
                         "without a name, sample images of the data and its corruptions.\n\n"
                         "With --x and --y, a figure of your own: a column of 'rethink results' "
                         "against another (a point for each value, finished runs only), or a "
                         "metric along the run (curves). Keys other than the seed in which the "
                         "runs differ make series; --where chooses runs.\n\n"
                         "Runs that differ in nothing but their seed are drawn as their mean "
                         "with its 95 % interval.",
    .examples = "rethink plot                                # all figures, from runs/ into figures/\n"
                "rethink plot mlp1_curves --smooth 0         # one, as logged\n"
                "rethink plot --reference published/         # published points behind ours\n"
                "rethink plot --x batch_size --y threshold --log x --where label_corruption_prob=0.5\n"
                "rethink plot --x epoch --y test_acc --by learning_rate --smooth 21\n",
    .options = options,
    .run = run_plot,
};
