#include "runs/records.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/entry.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/utf8.h"
#include "run/run.h"
#include "track/metrics.h"

static void free_record(struct rt_record *run)
{
    for (int i = 0; i < RT_COLUMN_COUNT; i++)
        rt_free(&run->columns[i]);
    *run = (struct rt_record){0};
}

void rt_records_free(struct rt_records *records)
{
    for (size_t i = 0; i < records->count; i++)
        free_record(&records->runs[i]);
    rt_free(&records->runs);
    rt_left_outs_free(&records->left_out);
    *records = (struct rt_records){0};
}

/* ---- what is left out ---- */

int rt_leave_out(struct rt_left_outs *list, const char *name, const char *reason, struct rt_error *err)
{
    for (size_t i = 0; i < list->count; i++)
        if (!strcmp(list->items[i].name, name))
            return RT_OK;
    RT_TRY(rt_realloc(&list->items, list->count + 1, sizeof *list->items, "runs left out", err));
    struct rt_left_out *item = &list->items[list->count++];
    snprintf(item->name, sizeof item->name, "%s", name);
    snprintf(item->reason, sizeof item->reason, "%s", reason);
    rt_utf8_make_plain(item->reason);
    return RT_OK;
}

void rt_left_outs_free(struct rt_left_outs *list)
{
    rt_free(&list->items);
    list->count = 0;
}

void rt_left_outs_append(const struct rt_left_outs *list, size_t most, struct rt_text *text)
{
    if (!list->count)
        return;
    rt_text_printf(text, "%zu run%s left out: ", list->count, list->count > 1 ? "s" : "");
    for (size_t i = 0; i < list->count && i < most; i++)
        rt_text_printf(text, "%s%s (%s)", i ? "; " : "", list->items[i].name, list->items[i].reason);
    if (list->count > most)
        rt_text_printf(text, "; and %zu more", list->count - most);
}

/* ---- reading ---- */

/* Without memory for it, that is no trouble of the run's. */
static int note_trouble(struct rt_record *run, const struct rt_error *cause, struct rt_error *err)
{
    if (cause->status == RT_EMEMORY)
        return rt_fail(err, RT_EMEMORY, "%s", cause->message);
    if (!run->trouble[0])
        snprintf(run->trouble, sizeof run->trouble, "%.255s", cause->message);
    rt_utf8_make_plain(run->trouble);
    return RT_OK;
}

static int add_run(struct rt_records *records, const struct rt_run_entry *entry, struct rt_error *err)
{
    struct rt_error cause = {0};

    RT_TRY(rt_realloc(&records->runs, records->count + 1, sizeof *records->runs, "runs", err));
    struct rt_record *run = &records->runs[records->count++];
    *run = (struct rt_record){
        .state = rt_run_entry_state(entry), .has_result = entry->has_result, .result = entry->result};
    memcpy(run->dir, entry->path, sizeof run->dir);
    memcpy(run->trouble, entry->trouble, sizeof run->trouble);
    snprintf(run->name, sizeof run->name, "%s", rt_path_name(run->dir));
    rt_utf8_make_plain(run->name);
    if (rt_entry_look(run->dir, RT_CONFIG_FILE) != RT_ENTRY_FILE)
        return RT_OK; /* its trouble says why */
    run->has_config = !rt_run_read_config(&run->experiment, run->dir, &cause);
    return run->has_config ? RT_OK : note_trouble(run, &cause, err);
}

int rt_records_list(struct rt_records *records, const char *directory, struct rt_error *err)
{
    struct rt_run_list list = {0};
    *records = (struct rt_records){0};
    if (!rt_path_is_folder(directory))
        return rt_fail(err, RT_EIO, "%s: no such runs directory; --runs names another", directory);
    int rc = rt_run_list(&list, directory, err);
    for (int i = 0; i < list.count && !rc; i++)
        rc = add_run(records, &list.items[i], err);
    rt_run_list_free(&list);
    if (rc)
        rt_records_free(records);
    return rc;
}

/* Operations for one training image; NaN where the result does not say: a run that was cut short within an
 * epoch counts the images of that one, too. */
static double flops_of_image(const struct rt_result *result)
{
    const struct rt_threshold *threshold = &result->threshold;
    const double images = (double)result->provenance.data.train_size;

    if (threshold->reached)
        return threshold->training_flops / ((double)threshold->epoch * images);
    if (result->state == RT_RUN_finished && result->epochs > 0)
        return result->training_flops / ((double)result->epochs * images);
    return NAN;
}

static void take_point(struct rt_record *run, size_t i, const struct rt_log_point *point, double flops)
{
    const double batches = (double)run->result.batches_per_epoch, whole = point->epoch - 1;
    const double size = (double)run->result.provenance.data.train_size;
    const double seen = (point->batch + 1) * (double)run->result.batch_size;

    run->columns[RT_COLUMN_STEP][i] = (double)point->step;
    run->columns[RT_COLUMN_EPOCH][i] = whole + (point->batch + 1) / batches;
    run->columns[RT_COLUMN_BATCHES][i] = whole * batches + point->batch + 1;
    run->columns[RT_COLUMN_IMAGES][i] = whole * size + fmin(seen, size);
    run->columns[RT_COLUMN_FLOPS][i] = run->columns[RT_COLUMN_IMAGES][i] * flops;
    run->columns[RT_COLUMN_SECONDS][i] = point->wall_s;
    for (int m = 0; m < RT_METRIC_COUNT; m++)
        run->columns[RT_COLUMN_FIRST_METRIC + 1 + m][i] = rt_metric_value(&rt_metrics[m], &point->scores);
}

static int read_metrics(struct rt_record *run, struct rt_error *err)
{
    struct rt_metrics_log log = {0};

    RT_TRY(rt_result_check_metrics(&run->result, run->dir, RT_METRICS_FILE, err));
    RT_TRY(rt_metrics_read(&log, run->dir, err));
    int rc = 0;
    for (int i = 0; i < RT_COLUMN_COUNT && !rc; i++)
        rc = rt_alloc(&run->columns[i], log.count, sizeof(double), "metrics", err);
    run->count = rc ? 0 : log.count;
    for (size_t i = 0; i < run->count; i++)
        take_point(run, i, &log.points[i], flops_of_image(&run->result));
    rt_metrics_free(&log);
    return rc;
}

/* Whether the run can be drawn; why not. */
static bool load(void *context, struct rt_record *run, char *reason)
{
    struct rt_error *err = context, cause = {0};

    if (run->trouble[0]) {
        snprintf(reason, 256, "%s", run->trouble);
    } else if (!run->has_result) {
        snprintf(reason, 256, "it has no results yet");
    } else if (rt_entry_look(run->dir, RT_METRICS_FILE) == RT_ENTRY_NONE) {
        snprintf(reason, 256, "it has no " RT_METRICS_FILE);
    } else if (read_metrics(run, &cause)) {
        snprintf(reason, 256, "%.255s", cause.message);
        if (cause.status == RT_EMEMORY)
            *err = cause;
    } else {
        return true;
    }
    return false;
}

int rt_records_read(struct rt_records *records, const char *directory, struct rt_error *err)
{
    struct rt_error failure = {0};

    RT_TRY(rt_records_list(records, directory, err));
    int rc = rt_records_filter(records, load, &failure, err);
    if (!rc && failure.status)
        rc = rt_fail(err, failure.status, "%s", failure.message);
    if (rc)
        rt_records_free(records);
    return rc;
}

/* ---- choosing ---- */

int rt_records_filter(struct rt_records *records,
                      bool (*keep)(void *context, struct rt_record *run, char *reason), void *context,
                      struct rt_error *err)
{
    size_t kept = 0;
    int rc = RT_OK;

    for (size_t i = 0; i < records->count; i++) {
        char reason[256] = "";
        if (keep(context, &records->runs[i], reason)) {
            if (kept != i)
                records->runs[kept] = records->runs[i];
            kept++;
            continue;
        }
        if (*reason && !rc)
            rc = rt_leave_out(&records->left_out, records->runs[i].name, reason, err);
        free_record(&records->runs[i]);
    }
    records->count = kept;
    return rc;
}

static const char *data_of(const struct rt_record *run)
{
    return run->result.provenance.data.name;
}

static bool is_on_data(void *context, struct rt_record *run, char *reason)
{
    const char *wanted = context;

    if (!strcmp(data_of(run), wanted))
        return true;
    snprintf(reason, 256, "on %.60s, not %.60s: --data-name chooses", data_of(run), wanted);
    return false;
}

int rt_records_keep_data(struct rt_records *records, const char *name, struct rt_error *err)
{
    size_t best = 0;
    char wanted[RT_FIELD_TEXT_MAX] = "";

    snprintf(wanted, sizeof wanted, "%s", name ? name : "");
    for (size_t i = 0; i < records->count && !name; i++) {
        size_t same = 0;
        for (size_t k = 0; k < records->count; k++)
            same += !strcmp(data_of(&records->runs[k]), data_of(&records->runs[i]));
        if (same > best) {
            best = same;
            memcpy(wanted, data_of(&records->runs[i]), sizeof wanted);
        }
    }
    return rt_records_filter(records, is_on_data, wanted, err);
}
