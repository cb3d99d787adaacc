#include "figures/records.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/path.h"
#include "figures/table.h"
#include "run/run.h"

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

static double cell(const struct rt_table *table, size_t row, size_t column)
{
    const char *value = rt_table_text(table, row, column);
    return *value ? strtod(value, NULL) : (double)NAN;
}

static int read_metrics(struct rt_record *run, const char *path, struct rt_error *err)
{
    static const char *const names[] = {"step",      "epoch",     "batch",   "train_loss",
                                        "train_acc", "test_loss", "test_acc"};
    struct rt_table table;
    size_t column[7];
    int rc;
    if ((rc = rt_table_read(&table, path, err)))
        return rc;
    for (int i = 0; i < 7 && !rc; i++)
        rc = rt_table_column(&table, names[i], &column[i], err);
    for (int i = 0; i < RT_COLUMN_COUNT && !rc; i++)
        rc = rt_alloc(&run->columns[i], table.row_count, sizeof(double), "metrics", err);
    run->count = rc ? 0 : table.row_count;
    for (size_t row = 0; row < run->count; row++) {
        run->columns[RT_COLUMN_STEP][row] = cell(&table, row, column[0]);
        run->columns[RT_COLUMN_EPOCH][row] =
            cell(&table, row, column[1]) - 1 +
            (cell(&table, row, column[2]) + 1) / (double)run->result.batches_per_epoch;
        for (int i = RT_COLUMN_TRAIN_LOSS; i < RT_COLUMN_COUNT; i++)
            run->columns[i][row] = cell(&table, row, column[i + 1]);
    }
    rt_table_free(&table);
    return rc;
}

static void skip(struct rt_records *records, const char *message)
{
    if (records->skipped++ == 0)
        rt_fail(&records->first_skipped, RT_EDATA, "%s", message);
}

static int add_run(struct rt_records *records, const struct rt_run_entry *entry, struct rt_error *err)
{
    char path[RT_PATH_MAX];
    struct rt_error cause = {0};
    RT_TRY(rt_path_join(path, entry->path, "metrics.csv", err));
    if (entry->trouble[0]) {
        skip(records, entry->trouble);
        return 0;
    }
    if (!entry->has_result || !rt_path_is_file(path))
        return 0;
    struct rt_record run = {.result = entry->result};
    memcpy(run.dir, entry->path, sizeof run.dir);
    int rc = read_metrics(&run, path, &cause);
    if (!rc && !(rc = rt_realloc(&records->runs, records->count + 1, sizeof run, "runs", err))) {
        records->runs[records->count++] = run;
        return 0;
    }
    free_record(&run);
    if (rc != RT_EMEMORY) {
        skip(records, cause.message);
        rc = 0;
    }
    return rc;
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
            same += strcmp(records->runs[k].result.data.name, records->runs[i].result.data.name) == 0;
        if (same > best) {
            best = same;
            memcpy(kept_name, records->runs[i].result.data.name, sizeof kept_name);
        }
    }
    size_t kept = 0, dropped = 0;
    for (size_t i = 0; i < records->count; i++) {
        if (strcmp(records->runs[i].result.data.name, name ? name : kept_name) == 0) {
            records->runs[kept++] = records->runs[i];
        } else {
            free_record(&records->runs[i]);
            dropped++;
        }
    }
    records->count = kept;
    return dropped;
}
