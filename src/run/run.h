/* The run directory RUNS/MODEL/NAME: one experiment's config.yaml (kept current), metrics.csv, log.txt,
 * result.json, the images' history, checkpoints, and the lock that keeps a second process out. */
#ifndef RT_RUN_RUN_H
#define RT_RUN_RUN_H

#include "base/lock.h"
#include "base/path.h"
#include "config/experiment.h"
#include "run/result.h"

#define RT_RUNS_DEFAULT "runs"
#define RT_CONFIG_FILE "config.yaml"
#define RT_LOG_FILE "log.txt"
#define RT_LOCK_FILE "lock"

struct rt_run {
    char path[RT_PATH_MAX];
    struct rt_lock lock;
};

/* RUNS/MODEL/NAME. RT_EIO: the path is too long. */
int rt_run_path(char path[RT_PATH_MAX], const char *runs, const struct rt_experiment *experiment,
                struct rt_error *err);

/* Makes the directory if need be, takes its lock and removes what a killed process left half-made. RT_EIO,
 * naming the process that holds it. */
int rt_run_open(struct rt_run *run, const char *runs, const struct rt_experiment *experiment,
                struct rt_error *err);
void rt_run_close(struct rt_run *run); /* accepts the zeroed state */

/* The same, and removes the directory if there is nothing but the lock in it: the run never began. */
void rt_run_abandon(struct rt_run *run);

/* Removes what an earlier run of the experiment left: checkpoints, config, metrics (`metrics` is that file's
 * name), result, log. Anything else stays. RT_EIO. */
int rt_run_clear(const struct rt_run *run, const struct rt_experiment *experiment, const char *metrics,
                 struct rt_error *err);

/* Writes config.yaml or result.json atomically. RT_EIO, also where the lock is lost; RT_EMEMORY. */
int rt_run_write_config(const struct rt_run *run, const struct rt_experiment *experiment, struct rt_error *err);
int rt_run_write_result(const struct rt_run *run, const struct rt_result *result, struct rt_error *err);

/* The config.yaml in a run's folder (which need not be open). RT_ECONFIG, RT_EIO. */
int rt_run_read_config(struct rt_experiment *experiment, const char *run_dir, struct rt_error *err);

/* A run as found on disk. */
struct rt_run_entry {
    char path[RT_PATH_MAX];
    pid_t holder;      /* the process that works on it now, or 0 */
    bool has_result;   /* `result` is filled in; otherwise the run never got so far, or */
    char trouble[256]; /* it or its result.json cannot be read, because of this ("" else) */
    struct rt_result result;
};
struct rt_run_list {
    struct rt_run_entry *items;
    int count;
};

/* Every run under `runs`, by model and name. A folder without a config.yaml is none. What cannot be read there,
 * or is reached through a link, is an entry with its trouble. RT_EIO, RT_EMEMORY. */
int rt_run_list(struct rt_run_list *list, const char *runs, struct rt_error *err);
void rt_run_list_free(struct rt_run_list *list);

/* The folder of the run of this name under `runs`. RT_EDATA: there is none (the message has the nearest), or
 * more than one, of different models. */
int rt_run_find(char path[RT_PATH_MAX], const char *runs, const char *name, struct rt_error *err);

/* "running", "finished", "interrupted" (also: killed), "diverged", or "-" without a result. */
const char *rt_run_entry_state(const struct rt_run_entry *entry);

#endif
