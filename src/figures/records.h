/* What finished (or still running) runs left on disk, read back for figures and the report: result.json and
 * metrics.csv of every RUNS/MODEL/NAME. */
#ifndef RT_FIGURES_RECORDS_H
#define RT_FIGURES_RECORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/path.h"
#include "config/metrics.h"
#include "run/result.h"

/* The columns of metrics.csv that figures draw, and the two x axes. Missing numbers are NaN. */
enum rt_column {
    RT_COLUMN_STEP,  /* log points since the run's start */
    RT_COLUMN_EPOCH, /* epochs completed, with the fraction: epoch - 1 + (batch + 1) / batches_per_epoch */
#define RT_COLUMN_ENUM(name, ...) RT_COLUMN_##name,
    RT_METRICS(RT_COLUMN_ENUM)
#undef RT_COLUMN_ENUM
        RT_COLUMN_COUNT
};

struct rt_record {
    char dir[RT_PATH_MAX];
    struct rt_result result;
    size_t count;                     /* log points */
    double *columns[RT_COLUMN_COUNT]; /* [count] each */
};

struct rt_records {
    struct rt_record *runs; /* by model and name */
    size_t count;
    int skipped; /* runs whose result.json or metrics.csv cannot be read; the first one's error: */
    struct rt_error first_skipped;
};

/* Reads all runs under `directory`. A run that cannot be read is skipped and counted. Errors: RT_EIO,
 * RT_EMEMORY. */
int rt_records_read(struct rt_records *records, const char *directory, struct rt_error *err);
void rt_records_free(struct rt_records *records);

/* Leaves only the runs on one data set: `name`, or, when null, the one that most runs are on. Returns how many
 * were dropped. Figures never mix data sets. */
size_t rt_records_keep_data(struct rt_records *records, const char *name);

/* The runs of one built-in experiment: itself, and the same with other seeds (NAME_seed2, ... of a sweep). */
enum { RT_GROUP_MAX = 64 };
struct rt_group {
    const struct rt_record *runs[RT_GROUP_MAX];
    int count;
};
void rt_records_group(const struct rt_records *records, const char *name, struct rt_group *group);

/* mean of n values and the half width of its 95 % confidence interval (Student's t; 0 for n = 1). */
void rt_mean_band(const double *values, int n, double *mean, double *half_width);

/* One column of a group over the epochs (or steps), as far as all its runs go: [count] each. `smooth` is the
 * mean of the smoothed runs, `raw` of the logged ones; low and high bound the 95 % band of `smooth`. */
struct rt_band {
    size_t count;
    double *x, *raw, *smooth, *low, *high;
};
int rt_group_band(struct rt_band *band, const struct rt_group *group, enum rt_column x, enum rt_column y,
                  int window, struct rt_error *err);
void rt_band_free(struct rt_band *band);

#endif
