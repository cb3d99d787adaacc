/* The one reader of runs: what they left on disk (config.yaml, result.json, metrics.csv of every
 * RUNS/MODEL/NAME), for tables, figures and the report. A run is what its config says; its name is a label. */
#ifndef RT_RUNS_RECORDS_H
#define RT_RUNS_RECORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/path.h"
#include "config/experiment.h"
#include "config/metrics.h"
#include "run/result.h"

/* What is known at each log point: where the run was, and the metrics. Missing numbers are NaN.
 * X(symbol, name on the command line, label of an axis) */
#define RT_CLOCKS(X)                                                                                           \
    X(STEP, "log_point", "Training steps (logged points)") /* since the run's start */                         \
    X(EPOCH, "epoch", "Epochs") /* with the fraction: epoch - 1 + (batch + 1) / batches_per_epoch */           \
    X(BATCHES, "step", "Training steps (batches)")                                                             \
    X(IMAGES, "images", "Training images seen")                                                                \
    X(FLOPS, "flops", "Training FLOPs") /* where the threshold or the end says what an image takes */          \
    X(SECONDS, "seconds", "Seconds")    /* of wall-clock time, all sessions together */

enum rt_column {
#define RT_CLOCK_ENUM(symbol, name, label) RT_COLUMN_##symbol,
    RT_CLOCKS(RT_CLOCK_ENUM)
#undef RT_CLOCK_ENUM
        RT_CLOCK_COUNT,
    RT_COLUMN_FIRST_METRIC = RT_CLOCK_COUNT - 1,
#define RT_COLUMN_ENUM(name, ...) RT_COLUMN_##name,
    RT_METRICS(RT_COLUMN_ENUM)
#undef RT_COLUMN_ENUM
        RT_COLUMN_COUNT
};

struct rt_record {
    char dir[RT_PATH_MAX];
    char name[RT_TEXT_MAX]; /* its folder's, plain */
    const char *state;      /* "running", "finished", "interrupted", "diverged", "-" */
    char trouble[256];      /* why it cannot be read whole; "": it can */
    bool has_config, has_result;
    struct rt_experiment experiment; /* its config.yaml; zeroed without */
    struct rt_result result;
    size_t count;                     /* log points, after rt_records_read */
    double *columns[RT_COLUMN_COUNT]; /* [count] each */
};

/* A run that is not shown, and why. */
struct rt_left_out {
    char name[RT_TEXT_MAX], reason[256];
};
struct rt_left_outs {
    struct rt_left_out *items;
    size_t count;
};
/* Appends one, unless the run is there already. RT_EMEMORY. */
int rt_leave_out(struct rt_left_outs *list, const char *name, const char *reason, struct rt_error *err);
void rt_left_outs_free(struct rt_left_outs *list);
/* "2 runs left out: NAME (why); NAME (why)", at most `most` of them named, then "and N more". Nothing for none.
 */
struct rt_text;
void rt_left_outs_append(const struct rt_left_outs *list, size_t most, struct rt_text *text);

struct rt_records {
    struct rt_record *runs; /* by model and name */
    size_t count;
    struct rt_left_outs left_out;
};

/* All runs under `directory`, without their metrics: a run that cannot be read is there with its trouble.
 * RT_EIO, RT_EMEMORY. */
int rt_records_list(struct rt_records *records, const char *directory, struct rt_error *err);

/* The runs that have results and metrics, with these. One that cannot be read is left out; one that has not
 * got so far is, too. RT_EIO, RT_EMEMORY. */
int rt_records_read(struct rt_records *records, const char *directory, struct rt_error *err);
void rt_records_free(struct rt_records *records);

/* Leaves only the runs for which keep(context, run, reason) is true; what is dropped is freed, and left out
 * with the reason (reason[256]) unless that is "". RT_EMEMORY. */
int rt_records_filter(struct rt_records *records,
                      bool (*keep)(void *context, struct rt_record *run, char *reason), void *context,
                      struct rt_error *err);

/* Leaves only the runs on one data set: `name`, or, when null, the one that most runs are on. Figures never mix
 * data sets. RT_EMEMORY. */
int rt_records_keep_data(struct rt_records *records, const char *name, struct rt_error *err);

#endif
