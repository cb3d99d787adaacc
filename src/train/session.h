/* A training session: everything between the command line and the loop. Finds out whether an earlier session is
 * to be continued, loads data, builds the network, trains, and keeps the run directory current. A process can
 * have several at the same time, in threads of its own: each has its log, its clocks, its trackers, its lock
 * and its request to stop. */
#ifndef RT_TRAIN_SESSION_H
#define RT_TRAIN_SESSION_H

#include <stdatomic.h>

#include "base/path.h"
#include "config/experiment.h"
#include "data/batches.h"
#include "run/run.h"
#include "train/disk.h"
#include "train/loop.h"
#include "train/snapshot.h"

#define RT_AUTOSAVE_S 300

struct rt_train_options {
    const char *data;   /* as rt_dataset_load takes it; null: the resumed run's, or the default */
    const char *runs;   /* null: runs */
    const char *engine; /* null: native */
    const char *init;   /* a safetensors file to begin with, or null */
    int threads;        /* 0: one per core */
    int verbosity;      /* an rt_log_level, of the session's log */
    bool fresh;         /* start over, whatever exists */
    bool epochs_given;  /* num_epochs was given; otherwise a run that went further keeps its own */
    bool keep_given;    /* keep_checkpoints was given; otherwise a run keeps its own */
    bool resume_given;  /* resume_checkpoint was given; otherwise the newest checkpoint is resumed */
    bool profile;       /* keep the time of each op, and log a table of them at the end */
    double autosave_s;  /* minimum time in seconds between checkpoints within an epoch; 0: none within epochs */
    /* Requests to save and stop so far; null: never. */
    const atomic_int *stop;
    /* Shared with other sessions of the process, and the caller's; null: the session's own. */
    struct rt_datasets *datasets;
    struct rt_device *device;
    /* Called when a run with trackers starts over, before they start; may be null. */
    void (*begin)(const struct rt_dataset *dataset, const char *run_dir);
};

/* Trains the experiment. RT_OK also if nothing was left to do. RT_EINTERRUPTED and RT_EDIVERGED after saving;
 * RT_ECONFIG and RT_EDATA if the run cannot be resumed from what exists (the message names the key or file and
 * what to do); RT_EIO. */
int rt_train(const struct rt_experiment *experiment, const struct rt_train_options *options,
             struct rt_error *err);

/* What rt_train would do. */
struct rt_train_forecast {
    struct rt_experiment experiment; /* resolved: seed drawn, epochs as they would be */
    char run_dir[RT_PATH_MAX];
    bool complete; /* nothing is left to train; the rest is then not filled in */
    bool resumed;
    char checkpoint[RT_PATH_MAX]; /* that it would resume from */
    int64_t from_epoch;           /* the first to be trained */
    struct {
        char name[64], source[1024], digest[65];
        bool official;
        int64_t train_count, test_count;
    } data;
    const char *engine;
    int threads;
    int64_t parameters, batches_per_epoch;
    double flops_per_epoch;
    int64_t plan_bytes, data_bytes; /* of the engine's plans; of images and labels */
    struct rt_disk_need disk;
};

/* Changes nothing on disk. Errors as rt_train's, before training. */
int rt_train_forecast(struct rt_train_forecast *forecast, const struct rt_experiment *experiment,
                      const struct rt_train_options *options, struct rt_error *err);

#endif
