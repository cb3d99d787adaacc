/* Recorders: everything that follows a run (console, metrics.csv, TensorBoard, MLflow, Comet). The training
 * loop reports events to rt_recorders and knows none of them. Each is one file and one line in RT_RECORDERS, or
 * in RT_TRACKERS (config/trackers.h) if people choose it. */
#ifndef RT_TRACK_RECORDER_H
#define RT_TRACK_RECORDER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "config/experiment.h"
#include "config/metrics.h"
#include "config/provenance.h"
#include "config/trackers.h"

/* Numbers that may be missing are NaN. */
struct rt_log_point {
    int64_t step; /* log points since the run's start, from 0 */
    int epoch;    /* from 1 */
    int batch;    /* 0-based in the epoch */
    int batches;  /* batches in an epoch */
    struct rt_scores scores;
    double learning_rate;
    double wall_s, cpu_s; /* since the run's start, earlier sessions included */
};

/* Batches trained since the run's start, this one included: the step that trackers show, so that runs with
 * another log_every lie on each other. */
static inline int64_t rt_log_point_batches(const struct rt_log_point *point)
{
    return (int64_t)(point->epoch - 1) * point->batches + point->batch + 1;
}

/* Epochs since the run's start, the fraction of this one included. */
static inline double rt_log_point_epochs(const struct rt_log_point *point)
{
    return point->epoch + (point->batch + 1.0) / point->batches - 1;
}

/* The results of a run, at the threshold or at the end. */
struct rt_outcome {
    bool threshold_reached;
    int64_t threshold_epoch, threshold_step;
    double threshold_minutes, threshold_cpu_s;
    struct rt_scores scores; /* of the last epoch */
    double training_flops;   /* up to the threshold, or so far */
    int64_t epochs;          /* completed */
    double wall_s, cpu_s;
    bool finished; /* nothing more to do at this num_epochs */
};

struct rt_run_info {
    const struct rt_experiment *experiment;
    const char *run_dir;
    const struct rt_provenance *provenance;
    int batches_per_epoch;
    int start_epoch;       /* the first to be trained now, from 1 */
    int64_t start_step;    /* log points already recorded: later ones in old files are void */
    int64_t start_batches; /* the same in batches trained (rt_log_point_batches) */
    double start_wall_s;
    int64_t epochs_expected; /* that it trains in all, as far as is known: to the interpolation threshold, or
                                num_epochs */
    bool resumed;
    int verbosity; /* -1 quiet, 0, 1 verbose */
};

/* One layer's parameters ("layer1.weight"), as they are during the call. */
struct rt_layer_values {
    const char *name;
    const float *values;
    int64_t count;
};

struct rt_recorder; /* an open one: private to its file */
struct rt_service;

struct rt_recorder_kind {
    bool always;                      /* cannot be turned off */
    const struct rt_service *service; /* a remote one, to which `rethink sync` can send later; null: none */
    int (*start)(struct rt_recorder **recorder, const struct rt_run_info *info, struct rt_error *err);
    /* Any of the following may be null. They must not block training; a failure that loses data is an error. */
    int (*progress)(struct rt_recorder *recorder, const struct rt_log_point *point,
                    struct rt_error *err); /* every batch */
    int (*log)(struct rt_recorder *recorder, const struct rt_log_point *point, struct rt_error *err);
    int (*threshold)(struct rt_recorder *recorder, const struct rt_outcome *outcome, struct rt_error *err);
    int (*weights)(struct rt_recorder *recorder, const struct rt_layer_values *layers, int count, int epoch,
                   struct rt_error *err); /* at an epoch's end, when histograms are asked for */
    /* A checkpoint is about to be published: what was logged so far must reach the disk before it does. */
    int (*sync)(struct rt_recorder *recorder, struct rt_error *err);
    int (*checkpoint)(struct rt_recorder *recorder, const char *path, int epoch, struct rt_error *err);
    /* Brings up to date what the recorder keeps in the run's config (experiment_key). */
    void (*keep)(struct rt_recorder *recorder, struct rt_experiment *experiment);
    int (*finish)(struct rt_recorder *recorder, const struct rt_outcome *outcome, enum rt_status status,
                  struct rt_error *err);
    void (*free)(struct rt_recorder *recorder);
};

/* X(name, help): those that are always active, then the trackers of RT_TRACKERS. */
#define RT_RECORDERS(X)                                                                                        \
    X(console, "lines and a progress bar on the terminal, and log.txt in the run directory")                   \
    X(csv, "metrics.csv in the run directory")                                                                 \
    RT_TRACKERS(X)

#define RT_RECORDER_DECLARE(name, help) extern const struct rt_recorder_kind rt_recorder_##name;
RT_RECORDERS(RT_RECORDER_DECLARE)
#undef RT_RECORDER_DECLARE

/* The list, in its order, ended by a null kind. */
struct rt_recorder_entry {
    const char *name; /* as in `--track NAME` and the config key `track` */
    const char *help;
    const struct rt_recorder_kind *kind;
};
extern const struct rt_recorder_entry rt_recorder_entries[];

/* The recorders of one run: each call below hands the event to all of them. */
struct rt_recorders;

/* Starts those that are always there and those named in `names` (joined by commas or spaces; null: none).
 * RT_EUSAGE for an unknown name. *recorders is null after an error. `info` and what it points to must outlive
 * it. */
int rt_recorders_start(struct rt_recorders **recorders, const char *names, const struct rt_run_info *info,
                       struct rt_error *err);
void rt_recorders_free(struct rt_recorders **recorders);

/* Every recorder is told of the event, even after one has failed; the first error is returned. */
int rt_recorders_progress(struct rt_recorders *recorders, const struct rt_log_point *point,
                          struct rt_error *err);
int rt_recorders_log(struct rt_recorders *recorders, const struct rt_log_point *point, struct rt_error *err);
int rt_recorders_threshold(struct rt_recorders *recorders, const struct rt_outcome *outcome,
                           struct rt_error *err);
int rt_recorders_weights(struct rt_recorders *recorders, const struct rt_layer_values *layers, int count,
                         int epoch, struct rt_error *err);
void rt_recorders_keep(struct rt_recorders *recorders, struct rt_experiment *experiment);
int rt_recorders_sync(struct rt_recorders *recorders, struct rt_error *err);
int rt_recorders_checkpoint(struct rt_recorders *recorders, const char *path, int epoch, struct rt_error *err);
int rt_recorders_finish(struct rt_recorders *recorders, const struct rt_outcome *outcome, enum rt_status status,
                        struct rt_error *err);

#endif
