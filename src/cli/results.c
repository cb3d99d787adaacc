/* rethink results, and rethink list: runs as a table. */
#include "cli/results.h"

#include <fnmatch.h>
#include <stdio.h>

#include "base/log.h"
#include "base/memory.h"
#include "cli/output.h"
#include "run/run.h"
#include "runs/where.h"

int rt_results_where(struct rt_records *records, const struct rt_arguments *arguments, struct rt_error *err)
{
    struct rt_where where = {0};
    const char *text;

    for (int i = 0; (text = rt_argument_at(arguments, "where", i)); i++)
        RT_TRY(rt_where_parse(&where, text, err));
    const size_t all = records->count;
    RT_TRY(rt_records_where(records, &where, err));
    if (all && !records->count)
        return rt_fail(err, RT_EDATA, "none of the %zu runs matches --where '%.200s'", all,
                       rt_argument(arguments, "where"));
    return RT_OK;
}

void rt_results_say_left_out(const struct rt_left_outs *left_out)
{
    enum { NAMED = 12 };
    struct rt_text text = {0};

    rt_left_outs_append(left_out, NAMED, &text);
    if (text.length)
        rt_log_warn("%s", rt_text_string(&text));
    rt_text_free(&text);
}

/* The columns asked for, or those that a reader wants first. */
static int choose_columns(struct rt_columns *columns, const struct rt_arguments *arguments,
                          const struct rt_records *records, struct rt_error *err)
{
    const char *list = rt_argument(arguments, "columns");

    return list ? rt_columns_parse(columns, "--columns", list, err) : rt_columns_default(columns, records, err);
}

static int make_groups(struct rt_results *results, const struct rt_arguments *arguments,
                       const struct rt_records *records, const struct rt_columns *columns, struct rt_error *err)
{
    struct rt_left_outs left_out = {0};
    struct rt_text remark = {0};
    const char *sort = rt_argument(arguments, "sort");
    struct rt_columns *by = NULL;
    int rc;

    if (!(rc = rt_alloc(&by, 1, sizeof *by, "columns", err)) &&
        !(rc = rt_columns_parse(by, "--group-by", rt_argument(arguments, "group-by"), err)) &&
        !(rc = rt_results_group(results, records, by, columns, &left_out, err)) && sort)
        rc = rt_results_sort(results, sort, err);
    if (!rc) {
        rt_results_say_left_out(&left_out);
        rt_groups_append_remark(records, by, &remark);
        if (remark.length)
            rt_log_warn("%s", rt_text_string(&remark));
    }
    rt_text_free(&remark);
    rt_left_outs_free(&left_out);
    rt_free(&by);
    return rc;
}

static int make_list(struct rt_results *results, const struct rt_arguments *arguments,
                     struct rt_records *records, const struct rt_columns *columns, struct rt_error *err)
{
    const char *sort = rt_argument(arguments, "sort");

    if (sort)
        RT_TRY(rt_records_sort(records, sort, err));
    return rt_results_list(results, records, columns, err);
}

/* A run that cannot be read is in the table with what is known of it; here is why. */
static void say_troubles(const struct rt_records *records)
{
    for (size_t i = 0; i < records->count; i++)
        if (records->runs[i].trouble[0])
            rt_log_warn("%s: %s", records->runs[i].name, records->runs[i].trouble);
}

static int print(const struct rt_arguments *arguments, struct rt_records *records, struct rt_error *err)
{
    const struct rt_result_format *format;
    struct rt_results results = {0};
    struct rt_columns *columns = NULL;
    struct rt_text text = {0};
    int rc;

    RT_TRY(rt_result_format_find(&format, rt_argument(arguments, "format"), err));
    RT_TRY(rt_alloc(&columns, 1, sizeof *columns, "columns", err));
    if (!(rc = choose_columns(columns, arguments, records, err)))
        rc = rt_argument(arguments, "group-by") ? make_groups(&results, arguments, records, columns, err)
                                                : make_list(&results, arguments, records, columns, err);
    if (!rc && !(rc = format->append(&text, &results, err)))
        rc = rt_output_text(&text, err);
    rt_text_free(&text);
    rt_results_free(&results);
    rt_free(&columns);
    if (!rc)
        say_troubles(records);
    return rc;
}

/* Runs by name or model, or by a pattern for either. */
static bool is_named(void *context, struct rt_record *run, char *reason)
{
    const struct rt_arguments *arguments = context;
    char folder[RT_PATH_MAX];

    *reason = '\0';
    if (rt_path_folder(folder, run->dir, NULL))
        return false;
    for (int i = 0; i < arguments->operand_count; i++)
        if (!fnmatch(arguments->operands[i], run->name, 0) ||
            !fnmatch(arguments->operands[i], rt_path_name(folder), 0))
            return true;
    return false;
}

static int keep_named(struct rt_records *records, const struct rt_arguments *arguments, const char *runs,
                      struct rt_error *err)
{
    const size_t all = records->count;

    if (!arguments->operand_count)
        return RT_OK;
    RT_TRY(rt_records_filter(records, is_named, (void *)(uintptr_t)arguments, err));
    if (all && !records->count)
        return rt_fail(err, RT_EDATA, "none of the %zu runs in %s has the name or model '%.200s'", all, runs,
                       arguments->operands[0]);
    return RT_OK;
}

int rt_results_run(const struct rt_arguments *arguments, struct rt_error *err)
{
    const char *runs = rt_argument(arguments, "runs");
    struct rt_records records = {0};
    struct rt_text text = {0};
    int rc;

    runs = runs ? runs : RT_RUNS_DEFAULT;
    if (!rt_path_is_folder(runs))
        return rt_fail(err, RT_EIO, "%s: no such folder: nothing has been trained there", runs);
    RT_TRY(rt_records_list(&records, runs, err));
    if (!(rc = keep_named(&records, arguments, runs, err)) &&
        !(rc = rt_results_where(&records, arguments, err))) {
        if (records.count || rt_argument(arguments, "format")) {
            rc = print(arguments, &records, err);
        } else {
            rt_text_printf(&text, "no runs in %s\n", runs);
            rc = rt_output_text(&text, err);
        }
    }
    rt_records_free(&records);
    return rc;
}

static const struct rt_option options_table[] = {RT_RESULTS_OPTIONS, {0}};

const struct rt_command rt_command_results = {
    .name = "results",
    .operands = "[NAME...]",
    .operands_max = -1,
    .operand_values = RT_RESULTS_OPERANDS,
    .summary = "A table of runs: choose, sort, group, for a terminal, a program or a paper.",
    .description =
        "A column is a key of the configs, a field of result.json, or a metric after the last epoch (test_acc, "
        "or by its long name test_accuracy); threshold_NAME is the same at the interpolation threshold, and "
        "threshold its epoch; best_NAME at the epoch of the highest test accuracy on true labels, of those "
        "that were tested, and best_epoch that epoch; train_labels_changed and test_labels_changed say how "
        "many labels are wrong. '--columns all' shows them all. Without --columns: run, state, the keys in "
        "which the runs differ, epochs, threshold, metrics.\n\n"
        "NAME is a run's name, a model, or a pattern for either (quote it).\n\n"
        "--where takes conditions joined by commas, all of which must hold: COLUMN, one of = != < <= > >=, and "
        "a value (null: none).\n\n"
        "--group-by makes a row for each combination of values: n runs, and of each number the mean, the "
        "deviation of the sample and ci95, half the width of the mean's 95 % confidence interval by Student's "
        "t. Only finished runs count; those left out are named on standard error, as is what else than the "
        "seed differs within a group.",
    .examples = "rethink results                                         # what differs, and how it came out\n"
                "rethink results --where 'model_name=MLP1,label_corruption_prob>=0.4' --sort -threshold\n"
                "rethink results --group-by batch_size --columns threshold,test_error\n"
                "rethink results --columns all --format csv > runs.csv   # everything, for a notebook\n"
                "rethink results --group-by model_name --format latex    # for a paper",
    .options = options_table,
    .run = rt_results_run,
};
