/* rethink list: the runs, their state and their results. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "base/utf8.h"
#include "cli/command.h"
#include "cli/output.h"
#include "run/run.h"

/* A number, or "-" for what was not measured. */
static void append_number(struct rt_text *text, int width, const char *format, double value)
{
    char number[32] = "-";

    if (!isnan(value))
        snprintf(number, sizeof number, format, value);
    rt_text_printf(text, "  %*s", width, number);
}

static void append_header(struct rt_text *text)
{
    rt_text_printf(text, "%-28s  %-11s  %6s  %10s  %9s  %8s  %9s  %10s  %8s\n", "run", "state", "epochs",
                   "train loss", "train acc", "test acc", "threshold", "test error", "minutes");
}

/* Threshold: its epoch; then the test error there (the published figure), else after the last epoch. */
static void append_run(struct rt_text *text, const struct rt_run_entry *entry)
{
    const struct rt_result *result = &entry->result;
    const struct rt_scores *final = &result->final;
    const struct rt_threshold *threshold = &result->threshold;
    const double error = 1 - (threshold->reached ? threshold->scores.test_acc : final->test_acc);
    char name[RT_PATH_MAX];

    snprintf(name, sizeof name, "%s", rt_path_name(entry->path));
    rt_utf8_make_plain(name); /* one run, one line */
    rt_text_printf(text, "%-28s  %-11s", name, rt_run_entry_state(entry));
    if (!entry->has_result) {
        rt_text_printf(text, "  %s\n", entry->trouble);
        return;
    }
    rt_text_printf(text, "  %6" PRId64, result->epochs);
    append_number(text, 10, "%.4f", final->train_loss);
    append_number(text, 9, "%.4f", final->train_acc);
    append_number(text, 8, "%.4f", final->test_acc);
    append_number(text, 9, "%.0f", threshold->reached ? (double)threshold->epoch : NAN);
    append_number(text, 10, "%.4f", error);
    append_number(text, 8, "%.2f", (threshold->reached ? threshold->wall_s : result->wall_s) / 60);
    rt_text_append(text, "\n");
}

static int run_list(const struct rt_arguments *arguments, struct rt_error *err)
{
    const char *runs = rt_argument(arguments, "runs");
    struct rt_run_list list = {0};
    struct rt_text text = {0};

    runs = runs ? runs : RT_RUNS_DEFAULT;
    if (!rt_path_is_folder(runs))
        return rt_fail(err, RT_EIO, "%s: no such folder: nothing has been trained there", runs);
    RT_TRY(rt_run_list(&list, runs, err));
    if (list.count)
        append_header(&text);
    else
        rt_text_printf(&text, "no runs in %s\n", runs);
    for (int i = 0; i < list.count; i++)
        append_run(&text, &list.items[i]);
    rt_run_list_free(&list);
    return rt_output_text(&text, err);
}

static const struct rt_option options_table[] = {
    RT_OPTION_RUNS,
    {0},
};

const struct rt_command rt_command_list = {
    .name = "list",
    .operands = "",
    .summary = "List the runs, their state and their results.",
    .description = "Threshold is the epoch that met the interpolation threshold; test error and minutes are "
                   "those at the threshold, or so far if it was not met. A killed run is 'interrupted' too: "
                   "the same 'rethink train' resumes it.",
    .examples = "rethink list\nrethink list --runs /scratch/runs",
    .options = options_table,
    .run = run_list,
};
