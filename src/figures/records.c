#include "figures/records.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/entry.h"
#include "base/memory.h"
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
    *records = (struct rt_records){0};
}

static int read_metrics(struct rt_record *run, struct rt_error *err)
{
    struct rt_metrics_log log = {0};

    RT_TRY(rt_metrics_read(&log, run->dir, err));
    int rc = 0;
    for (int i = 0; i < RT_COLUMN_COUNT && !rc; i++)
        rc = rt_alloc(&run->columns[i], log.count, sizeof(double), "metrics", err);
    run->count = rc ? 0 : log.count;
    for (size_t i = 0; i < run->count; i++) {
        const struct rt_log_point *point = &log.points[i];
        run->columns[RT_COLUMN_STEP][i] = (double)point->step;
        run->columns[RT_COLUMN_EPOCH][i] =
            point->epoch - 1 + (point->batch + 1) / (double)run->result.batches_per_epoch;
        for (int m = 0; m < RT_METRIC_COUNT; m++)
            run->columns[RT_COLUMN_COUNT - RT_METRIC_COUNT + m][i] =
                rt_metric_value(&rt_metrics[m], &point->scores);
    }
    rt_metrics_free(&log);
    return rc;
}

static void skip(struct rt_records *records, const char *message)
{
    if (records->skipped++ == 0)
        rt_fail(&records->first_skipped, RT_EDATA, "%s", message);
}

static int add_run(struct rt_records *records, const struct rt_run_entry *entry, struct rt_error *err)
{
    struct rt_error cause = {0};

    if (entry->trouble[0]) {
        skip(records, entry->trouble);
        return RT_OK;
    }
    if (!entry->has_result || rt_entry_look(entry->path, RT_METRICS_FILE) == RT_ENTRY_NONE)
        return RT_OK;
    struct rt_record run = {.result = entry->result};
    memcpy(run.dir, entry->path, sizeof run.dir);
    int rc = rt_result_check_metrics(&run.result, run.dir, RT_METRICS_FILE, &cause);
    if (!rc)
        rc = read_metrics(&run, &cause);
    if (!rc && !(rc = rt_realloc(&records->runs, records->count + 1, sizeof run, "runs", &cause))) {
        records->runs[records->count++] = run;
        return RT_OK;
    }
    free_record(&run);
    if (rc == RT_EMEMORY)
        return rt_fail(err, RT_EMEMORY, "%s", cause.message);
    skip(records, cause.message);
    return RT_OK;
}

int rt_records_read(struct rt_records *records, const char *directory, struct rt_error *err)
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

size_t rt_records_keep_data(struct rt_records *records, const char *name)
{
    size_t best = 0;
    char kept_name[RT_FIELD_TEXT_MAX] = "";

    for (size_t i = 0; i < records->count && !name; i++) {
        size_t same = 0;
        for (size_t k = 0; k < records->count; k++)
            same += !strcmp(records->runs[k].result.provenance.data.name,
                            records->runs[i].result.provenance.data.name);
        if (same > best) {
            best = same;
            memcpy(kept_name, records->runs[i].result.provenance.data.name, sizeof kept_name);
        }
    }
    size_t kept = 0, dropped = 0;
    for (size_t i = 0; i < records->count; i++) {
        if (!strcmp(records->runs[i].result.provenance.data.name, name ? name : kept_name)) {
            records->runs[kept++] = records->runs[i];
        } else {
            free_record(&records->runs[i]);
            dropped++;
        }
    }
    records->count = kept;
    return dropped;
}
