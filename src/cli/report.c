/* rethink report: figures and one self-contained page about the runs. */
#include "base/log.h"
#include "cli/command.h"
#include "cli/sweep_args.h"
#include "figures/report_images.h"
#include "run/run.h"

static int run_report(const struct rt_arguments *arguments, struct rt_error *err)
{
    const char *runs = rt_argument(arguments, "runs"), *figures = rt_argument(arguments, "output");
    long images_runs;

    RT_TRY(rt_argument_integer(arguments, "images", 0, 1000, RT_REPORT_IMAGES_RUNS, &images_runs, err));
    const struct rt_drawing drawing = {.runs = runs ? runs : RT_RUNS_DEFAULT,
                                       .figures = figures ? figures : "figures",
                                       .reference = rt_argument(arguments, "reference"),
                                       .data = rt_argument(arguments, "data"),
                                       .images_runs = (size_t)images_runs,
                                       .draw = !rt_argument_flag(arguments, "no-figures")};

    if (rt_argument_flag(arguments, "quiet"))
        rt_log_set_level(RT_LOG_QUIET);
    return rt_draw_all(&drawing, err);
}

static const struct rt_option options[] = {
    RT_OPTION_RUNS,
    RT_OPTION_OUTPUT("report.html and the figures go"),
    {"reference", 0, "DIR", "@dirs", "published numbers to show beside ours"},
    {"no-figures", 0, NULL, NULL, "do not redraw figures: use the existing ones"},
    {"images", 0, "N", NULL,
     "data maps and images of N runs at most that kept histories (4); each adds 2.4 MB of pictures"},
    RT_OPTION_DATA,
    RT_OPTION_QUIET,
    {0},
};

const struct rt_command rt_command_report = {
    .name = "report",
    .operands = "",
    .summary = "Draw all figures and write report.html, one page about the runs.",
    .description =
        "The page needs no network and no other file: what was run, the paper's claims with what these runs "
        "show of each, a table of results next to the paper's (and, with --reference, the published ones), "
        "all figures, learning curves to zoom into, and, for runs with record_images: true, the data map and "
        "the most and least typical images, each with its labels and scores.",
    .examples = "rethink report                          # figures/report.html from runs/\n"
                "rethink report --runs results/runs -o results/figures --reference published/\n",
    .options = options,
    .run = run_report,
};
