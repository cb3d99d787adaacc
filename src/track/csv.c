/* metrics.csv in the run directory. Each row is written when it is logged, so that a killed run loses none, and
 * synced before a checkpoint that counts on it. On resume the file has been cut back to the checkpoint. */
#include "base/entry.h"
#include "base/log.h"
#include "base/memory.h"
#include "track/metrics.h"
#include "track/recorder.h"

struct rt_recorder {
    int fd;
    struct rt_metrics_layout layout;
    char path[RT_PATH_MAX];
};

static int write_header(struct rt_recorder *csv, struct rt_error *err)
{
    char row[RT_METRICS_ROW_MAX];

    return rt_file_write(csv->fd, csv->path, row, rt_metrics_format_header(row), err);
}

/* A file that an older program began keeps its columns: checkpoints have its digest. */
static int keep_layout(struct rt_recorder *csv, const struct rt_run_info *info, struct rt_error *err)
{
    RT_TRY(rt_metrics_read_layout(&csv->layout, info->run_dir, err));
    for (int i = 0; i < RT_METRIC_COUNT; i++)
        if (!rt_metrics_layout_has(&csv->layout, rt_metrics[i].name))
            rt_log_warn("%s: an older version began it without the column %s, and it goes on without; --fresh "
                        "starts the run anew",
                        csv->path, rt_metrics[i].name);
    return RT_OK;
}

static int open_file(struct rt_recorder *csv, const struct rt_run_info *info, struct rt_error *err)
{
    uint64_t size;

    RT_TRY(rt_path_join(csv->path, info->run_dir, RT_METRICS_FILE, err));
    RT_TRY(rt_entry_open(&csv->fd, info->run_dir, RT_METRICS_FILE, RT_OPEN_APPEND, err));
    if (!info->resumed)
        RT_TRY(rt_file_cut(csv->fd, csv->path, 0, err));
    RT_TRY(rt_entry_size(info->run_dir, RT_METRICS_FILE, &size, err));
    return size ? keep_layout(csv, info, err) : write_header(csv, err);
}

static void csv_free(struct rt_recorder *csv)
{
    rt_file_close_read(&csv->fd); /* after an error; csv_finish closes with care */
    rt_free(&csv);
}

static int csv_start(struct rt_recorder **recorder, const struct rt_run_info *info, struct rt_error *err)
{
    int rc;

    RT_TRY(rt_alloc(recorder, 1, sizeof **recorder, "the CSV recorder", err));
    (*recorder)->fd = -1;
    (*recorder)->layout = rt_metrics_own_layout();
    rc = open_file(*recorder, info, err);
    if (rc)
        csv_free(*recorder);
    return rc;
}

static int csv_log(struct rt_recorder *csv, const struct rt_log_point *point, struct rt_error *err)
{
    char row[RT_METRICS_ROW_MAX];

    return rt_file_write(csv->fd, csv->path, row, rt_metrics_format_row(&csv->layout, point, row), err);
}

static int csv_sync(struct rt_recorder *csv, struct rt_error *err)
{
    return rt_file_sync(csv->fd, csv->path, err);
}

static int csv_finish(struct rt_recorder *csv, const struct rt_outcome *outcome, enum rt_status status,
                      struct rt_error *err)
{
    (void)outcome;
    (void)status;
    RT_TRY(csv_sync(csv, err));
    return rt_file_close(&csv->fd, csv->path, err);
}

const struct rt_recorder_kind rt_recorder_csv = {
    .always = true,
    .start = csv_start,
    .log = csv_log,
    .sync = csv_sync,
    .finish = csv_finish,
    .free = csv_free,
};
