/* The report's words and numbers: what was run, and the table of results. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "config/corruptions.h"
#include "config/metrics.h"
#include "figures/html.h"
#include "figures/published.h"
#include "figures/report_results.h"
#include "runs/paper.h"
#include "runs/properties.h"
#include "train/published.h"

static bool is_on_cifar10(const struct rt_result *result)
{
    return !strcmp(result->provenance.data.name, "cifar10");
}

/* The paper's test accuracy of the same network, labels and regularisers, per cent; NaN: it has none. */
static double paper_accuracy(const struct rt_record *run)
{
    const struct rt_paper_row *row = run->has_config && is_on_cifar10(&run->result)
                                         ? rt_paper_row_alike(&rt_paper_table1, &run->experiment)
                                         : NULL;

    return row ? row->test : (double)NAN;
}

/* ---- what was run ---- */

static void append_fact(struct rt_text *page, const char *name, const char *value)
{
    rt_text_append(page, "<dt>");
    rt_html_append_text(page, name);
    rt_text_append(page, "</dt><dd>");
    rt_html_append_text(page, value);
    rt_text_append(page, "</dd>\n");
}

static void append_time(struct rt_text *text, double seconds)
{
    if (seconds < 120)
        rt_text_printf(text, "%.0f s", seconds);
    else if (seconds < 7200)
        rt_text_printf(text, "%.1f min", seconds / 60);
    else
        rt_text_printf(text, "%.1f h", seconds / 3600);
}

/* A fact that may differ between runs: each value once, and not more than a reader reads. */
static void append_distinct(struct rt_text *page, const char *name, const struct rt_records *records,
                            void (*describe)(struct rt_text *text, const struct rt_result *result))
{
    enum { MOST = 64 };
    struct rt_text values[MOST] = {0}, all = {0}, one = {0};
    size_t count = 0, k;
    bool more = false;

    for (size_t i = 0; i < records->count && !more; i++) {
        rt_text_clear(&one);
        describe(&one, &records->runs[i].result);
        for (k = 0; k < count && strcmp(rt_text_string(&values[k]), rt_text_string(&one)) != 0; k++)
            ;
        more = k == MOST;
        if (k == count && !more)
            rt_text_append(&values[count++], rt_text_string(&one));
    }
    for (k = 0; k < count; k++) {
        rt_text_printf(&all, "%s%s", k ? "; " : "", rt_text_string(&values[k]));
        all.failed = all.failed || values[k].failed;
        rt_text_free(&values[k]);
    }
    if (more)
        rt_text_append(&all, "; ...");
    append_fact(page, name, rt_text_string(&all));
    page->failed = page->failed || all.failed || one.failed;
    rt_text_free(&all);
    rt_text_free(&one);
}

static void describe_data(struct rt_text *text, const struct rt_result *result)
{
    rt_text_printf(text, "%s, %" PRId64 " training and %" PRId64 " test images, SHA-256 %.16s...%s",
                   result->provenance.data.name, result->provenance.data.train_size,
                   result->provenance.data.test_size, result->provenance.data.digest,
                   result->provenance.data.official ? " (the official bytes)"
                   : is_on_cifar10(result)          ? " (not the official bytes)"
                                                    : "");
}

static void describe_machine(struct rt_text *text, const struct rt_result *result)
{
    rt_text_printf(text, "%s, %" PRId64 " core%s, %s", result->provenance.machine.cpu,
                   result->provenance.machine.cores, result->provenance.machine.cores == 1 ? "" : "s",
                   result->provenance.machine.os);
}

static void describe_program(struct rt_text *text, const struct rt_result *result)
{
    rt_text_printf(text, "rethink %s, engine %s (%s)", result->provenance.version, result->provenance.engine,
                   result->provenance.target);
}

static void describe_training(struct rt_text *text, const struct rt_result *result)
{
    rt_text_printf(text, "%s: batch %" PRId64 ", learning rate %g", result->model_name, result->batch_size,
                   result->learning_rate);
}

static void describe_seed(struct rt_text *text, const struct rt_result *result)
{
    rt_text_printf(text, "%" PRId64, result->seed);
}

void rt_report_append_facts(struct rt_text *page, const struct rt_records *records, const char *runs)
{
    char written[RT_ISO_TIME_MAX];
    struct rt_text text = {0};
    double wall_s = 0, flops = 0;
    int states[4] = {0};

    for (size_t i = 0; i < records->count; i++) {
        wall_s += records->runs[i].result.wall_s;
        flops += records->runs[i].result.training_flops;
        states[records->runs[i].result.state]++;
    }
    rt_text_printf(&text, "%zu in %s", records->count, runs);
    const char *separator = ": ";
    for (int i = 0; i < 4; i++) {
        if (!states[i])
            continue;
        rt_text_printf(&text, "%s%d %s", separator, states[i], rt_run_state_name((enum rt_run_state)i));
        separator = ", ";
    }
    append_fact(page, "Runs", rt_text_string(&text));
    append_distinct(page, "Data", records, describe_data);
    append_distinct(page, "Training", records, describe_training);
    append_distinct(page, "Seeds", records, describe_seed);
    rt_text_clear(&text);
    append_time(&text, wall_s);
    rt_text_printf(&text, " of training in all runs together, %.3g training FLOPs", flops);
    append_fact(page, "Work", rt_text_string(&text));
    append_distinct(page, "Program", records, describe_program);
    append_distinct(page, "Machine", records, describe_machine);
    append_fact(page, "Written", rt_clock_iso(rt_clock_unix_ms(), written));
    page->failed = page->failed || text.failed;
    rt_text_free(&text);
}

/* ---- results ---- */

static void append_cell(struct rt_text *page, double value, const char *format, double scale)
{
    rt_text_append(page, "<td>");
    if (isfinite(value))
        rt_text_printf(page,
                       !strcmp(format, "%.0f")   ? "%.0f"
                       : !strcmp(format, "%.1f") ? "%.1f"
                                                 : "%.2f",
                       value * scale);
    rt_text_append(page, "</td>");
}

static void append_test_name(struct rt_text *page, const struct rt_result *result)
{
    static const struct {
        const char *type, *label;
    } tests[] = {
#define TEST(name, title, file, help) {#name, title},
        RT_PIXEL_CORRUPTIONS(TEST)
#undef TEST
    };
    for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++) {
        if (!strcmp(tests[i].type, result->data_corruption_type)) {
            rt_text_append(page, tests[i].label);
            return;
        }
    }
    if (!result->figure1)
        rt_text_append(page, result->bn ? "figure 2, batch norm" : "figure 2, no batch norm");
    else if (result->label_corruption_prob == 0)
        rt_text_append(page, "true labels");
    else if (result->label_corruption_prob == 1)
        rt_text_append(page, "random labels");
    else
        rt_text_printf(page, "labels p=%.2g", result->label_corruption_prob);
}

static int append_published(struct rt_text *page, const struct rt_result *result, const char *reference,
                            struct rt_error *err)
{
    double epochs = NAN, minutes = NAN, error = NAN;
    const bool levels = result->figure1 && !strcmp(result->data_corruption_type, "none");

    if (result->figure1)
        epochs = rt_published_epochs(result->model_name, result->data_corruption_type,
                                     result->label_corruption_prob);
    if (levels) {
        RT_TRY(rt_published_level(reference, "conv_slowdown", "minutes", result->model_name,
                                  result->label_corruption_prob, &minutes, err));
        RT_TRY(rt_published_level(reference, "gen_err_growth", "test_error", result->model_name,
                                  result->label_corruption_prob, &error, err));
    }
    append_cell(page, epochs, "%.0f", 1);
    append_cell(page, minutes, "%.1f", 1);
    append_cell(page, 1 - error, "%.2f", 100);
    return RT_OK;
}

/* Columns besides those of every row: the published numbers, and the paper's. */
struct results_columns {
    const char *reference; /* the published numbers' directory, or null */
    bool paper;
    const struct rt_key *keys[RT_PROPERTIES_MAX]; /* in which the runs differ, but for the test */
    int key_count;
    bool metrics[RT_METRIC_COUNT]; /* that have a column */
};

static int find_keys(struct results_columns *columns, const struct rt_records *records, struct rt_error *err)
{
    const struct rt_key *keys[RT_PROPERTIES_MAX];
    const struct rt_record **runs = NULL;

    RT_TRY(rt_alloc(&runs, records->count, sizeof *runs, "runs", err));
    for (size_t i = 0; i < records->count; i++)
        runs[i] = &records->runs[i];
    const int count = rt_keys_that_differ(runs, records->count, rt_key_is_shown, keys);
    rt_free(&runs);
    for (int i = 0; i < count; i++)
        if (!rt_text_has_word("label_corruption_prob data_corruption_type", keys[i]->name))
            columns->keys[columns->key_count++] = keys[i];
    return RT_OK;
}

static void append_keys(struct rt_text *page, const struct rt_record *run,
                        const struct results_columns *columns)
{
    struct rt_value value;

    for (int i = 0; i < columns->key_count; i++) {
        rt_property_value(&(struct rt_property){.key = columns->keys[i]}, run, &value);
        rt_text_append(page, "<td>");
        rt_html_append_text(page, value.text);
        rt_text_append(page, "</td>");
    }
}

static const struct rt_scores *scores_of(const struct rt_result *result)
{
    return result->threshold.reached ? &result->threshold.scores : &result->final;
}

static bool is_share(const struct rt_metric *metric)
{
    return metric->high <= 1;
}

static void append_metric(struct rt_text *page, const struct rt_metric *metric, double value)
{
    append_cell(page, value, "%.2f", is_share(metric) ? 100 : 1);
}

/* Metrics have a column where a run has measured them. */
static void find_metrics(struct results_columns *columns, const struct rt_records *records)
{
    for (int m = 0; m < RT_METRIC_COUNT; m++)
        for (size_t i = 0; i < records->count && *rt_metrics[m].column; i++)
            if (!isnan(rt_metric_value(&rt_metrics[m], scores_of(&records->runs[i].result))))
                columns->metrics[m] = true;
}

/* Under figure 1's protocol a run goes on to the threshold: one that ended before says nothing of it. */
static bool is_cut_short(const struct rt_record *run)
{
    return strcmp(run->state, "finished") != 0 || (run->result.figure1 && !run->result.threshold.reached);
}

/* Runs that were cut short are marked, and have no published numbers beside theirs. */
static int append_row(struct rt_text *page, const struct rt_record *run, const struct results_columns *columns,
                      struct rt_error *err)
{
    const struct rt_result *result = &run->result;
    const bool cut = is_cut_short(run);
    const struct rt_threshold *threshold = &result->threshold;
    const struct rt_scores *scores = scores_of(result);

    rt_text_append(page, cut ? "<tr class=\"cut\"><th scope=\"row\">" : "<tr><th scope=\"row\">");
    rt_html_append_text(page, run->name);
    rt_text_append(page, "</th><td class=\"text\">");
    append_test_name(page, result);
    rt_text_printf(page, "</td><td class=\"text\">%s", run->state);
    if (cut)
        rt_text_printf(page, " at epoch %" PRId64 "%s", result->epochs,
                       result->threshold.reached ? "" : ", before the threshold");
    rt_text_append(page, "</td>");
    append_keys(page, run, columns);
    append_cell(page, (double)result->epochs, "%.0f", 1);
    append_cell(page, threshold->reached ? (double)threshold->epoch : (double)NAN, "%.0f", 1);
    append_cell(page, threshold->reached ? threshold->wall_s / 60 : (double)NAN, "%.1f", 1);
    for (int i = 0; i < RT_METRIC_COUNT; i++)
        if (columns->metrics[i])
            append_metric(page, &rt_metrics[i], rt_metric_value(&rt_metrics[i], scores));
    append_cell(page, scores->train_acc - scores->test_acc, "%.2f", 100);
    if (columns->reference && cut)
        rt_text_append(page, "<td></td><td></td><td></td>");
    else if (columns->reference)
        RT_TRY(append_published(page, result, columns->reference, err));
    if (columns->paper)
        append_cell(page, cut ? (double)NAN : paper_accuracy(run), "%.2f", 1);
    rt_text_append(page, "</tr>\n");
    return RT_OK;
}

int rt_report_append_results(struct rt_text *page, const struct rt_records *records, const char *reference,
                             struct rt_error *err)
{
    struct results_columns columns = {.reference = reference};

    RT_TRY(find_keys(&columns, records, err));
    find_metrics(&columns, records);
    for (size_t i = 0; i < records->count; i++)
        columns.paper = columns.paper || is_on_cifar10(&records->runs[i].result);
    rt_text_append(page, "<thead><tr><th scope=\"col\">Run</th><th scope=\"col\" class=\"text\">Test</th>"
                         "<th scope=\"col\" class=\"text\">State</th>");
    for (int i = 0; i < columns.key_count; i++)
        rt_text_printf(page, "<th scope=\"col\">%s</th>", columns.keys[i]->name);
    rt_text_append(page,
                   "<th scope=\"col\">Epochs trained</th>"
                   "<th scope=\"col\">Epochs to threshold</th><th scope=\"col\">Minutes to threshold</th>");
    for (int i = 0; i < RT_METRIC_COUNT; i++)
        if (columns.metrics[i])
            rt_text_printf(page, "<th scope=\"col\">%s%s</th>", rt_metrics[i].column,
                           is_share(&rt_metrics[i]) ? " %" : "");
    rt_text_append(page, "<th scope=\"col\">Gap %</th>");
    if (columns.reference)
        rt_text_append(page, "<th scope=\"col\">Published epochs</th><th scope=\"col\">Published minutes</th>"
                             "<th scope=\"col\">Published test accuracy %</th>");
    if (columns.paper)
        rt_text_append(page, "<th scope=\"col\">Paper's test accuracy %</th>");
    rt_text_append(page, "</tr></thead>\n<tbody>\n");
    for (size_t i = 0; i < records->count; i++)
        RT_TRY(append_row(page, &records->runs[i], &columns, err));
    rt_text_append(page, "</tbody>\n");
    return RT_OK;
}
