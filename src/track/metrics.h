/* metrics.csv: one row per log point; every figure is drawn from it.
 *
 *     step,epoch,batch,train_loss,train_acc,test_loss,test_acc,...,learning_rate,wall_s,cpu_s
 *     0,1,0,2.30951834,0.109375,,,...,0.01,0.021,0.039
 *
 * Empty: not measured. A loss that was not finite is "nan" or "inf". Lines end with \n. The file of an older
 * program may lack metrics, which are then not measured. */
#ifndef RT_TRACK_METRICS_H
#define RT_TRACK_METRICS_H

#include <stdbool.h>
#include <stddef.h>

#include "track/recorder.h"

#define RT_METRICS_FILE "metrics.csv"

enum { RT_METRICS_ROW_MAX = 512, RT_METRICS_REALS = RT_METRIC_COUNT + 3 /* the rate and two times */ };

/* Which real columns a file has, in its order. */
struct rt_metrics_layout {
    int count;
    int columns[RT_METRICS_REALS]; /* indices into our header's */
};
struct rt_metrics_layout rt_metrics_own_layout(void); /* the header's */
bool rt_metrics_layout_has(const struct rt_metrics_layout *layout, const char *name);

/* Our header line, or a point's row in a file of that layout, with its newline, in row[RT_METRICS_ROW_MAX];
 * returns the length. */
size_t rt_metrics_format_header(char *row);
size_t rt_metrics_format_row(const struct rt_metrics_layout *layout, const struct rt_log_point *point,
                             char *row);

/* The layout of a run's file. RT_EDATA as rt_metrics_read; RT_EIO. */
int rt_metrics_read_layout(struct rt_metrics_layout *layout, const char *run_dir, struct rt_error *err);

struct rt_metrics_log {
    struct rt_log_point *points; /* `batches` is not in the file: 0 */
    size_t count;
};

/* Reads a run's metrics.csv. A last line without its newline is still being written and is left out. RT_EDATA
 * names the line at fault and why (a foreign header or column, a number that is none or that no run can have
 * logged, steps that do not increase); RT_EIO. *out is untouched after an error. */
int rt_metrics_read(struct rt_metrics_log *out, const char *run_dir, struct rt_error *err);
/* The same from `size` bytes followed by a NUL; `path` is for messages. */
int rt_metrics_parse(struct rt_metrics_log *out, const char *path, const char *text, size_t size,
                     struct rt_error *err);

/* The last complete row of a run in progress; false if there is none that can be read. */
bool rt_metrics_read_last(struct rt_log_point *point, const char *run_dir);

void rt_metrics_free(struct rt_metrics_log *log); /* accepts the zeroed state */

#endif
