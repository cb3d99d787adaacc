/* A sweep: many runs. The plan is made of grids (rt_sweep_add_grid); what has been done already is read from
 * the run directories; a launcher then carries out the rest. */
#ifndef RT_SWEEP_SWEEP_H
#define RT_SWEEP_SWEEP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/path.h"
#include "base/text.h"
#include "config/experiment.h"
#include "config/metrics.h"

enum { RT_SWEEP_DEVICES_MAX = 16, RT_DEVICE_WORD_MAX = 32 };
enum { RT_STAGES_MAX = 4, RT_SETTINGS_MAX = 64, RT_COMMAND_WORDS_MAX = 2 * RT_SETTINGS_MAX + 24 };

#define RT_SWEEP_STATES(X)                                                                                     \
    X(WAITING, "waiting")                                                                                      \
    X(RUNNING, "running")                                                                                      \
    X(FINISHED, "finished")                                                                                    \
    X(FAILED, "failed")                                                                                        \
    X(INTERRUPTED, "interrupted")

enum rt_sweep_state {
#define RT_SWEEP_STATE_ENUM(symbol, name) RT_SWEEP_##symbol,
    RT_SWEEP_STATES(RT_SWEEP_STATE_ENUM)
#undef RT_SWEEP_STATE_ENUM
};
const char *rt_sweep_state_name(enum rt_sweep_state state);

struct rt_dataset;

/* Where a run is: the last line of its metrics.csv. Missing numbers are NaN. */
struct rt_sweep_progress {
    double epochs; /* with the fraction of the current one */
    struct rt_scores scores;
};

struct rt_sweep_run {
    struct rt_experiment experiment;
    char *base;                      /* the EXPERIMENT operand of its command line */
    char *settings[RT_SETTINGS_MAX]; /* its --set KEY=VALUE */
    int setting_count;
    int64_t stages[RT_STAGES_MAX]; /* num_epochs of its sessions, one after the other: usually one */
    int stage_count;
    char directory[RT_PATH_MAX];
    int cores;          /* that it gets */
    const char *device; /* that it is on: "cuda:1"; null: on cores */

    /* for estimates: NaN where unknown */
    double epochs_expected; /* that it will train in all: to the threshold, or to num_epochs */
    double flops_per_epoch; /* of training */
    double disk_bytes;      /* at most */
    double steps_per_epoch;
    double images;           /* in memory: training and test */
    double seconds_per_step; /* on `cores` cores: measured, or of runs that cost the same */
    int ended_alike;         /* runs whose mean epochs_expected is; 0: it is that of the published one */
    double pace_s;           /* a step, as this run has gone here, its share where runs are side by side */
    double memory_bytes;

    /* from disk, then kept current by the launcher */
    enum rt_sweep_state state;
    int stage; /* the next to be run */
    double epochs_done;
    struct rt_sweep_progress progress;
    double began_s; /* rt_clock_wall_s at its start here */
    double epochs_at_start;
    pid_t holder;      /* another process that works on it now, as rt_lock_holder has it; 0: none */
    char trouble[512]; /* why it failed */
};

struct rt_sweep_options {
    const char *program;       /* path of this program */
    const char *runs;          /* directory of runs */
    const char *data, *engine; /* passed on; null: not given */
    const char
        *device;      /* "cpu", "cuda", "cuda:0,1": several, each with runs of its own; null: each run's own */
    int side_by_side; /* runs at once on each device; 0: as memory allows, or on cores as `jobs` says */
    int jobs;         /* runs at once; 0: auto */
    int cores;        /* to share out */
    bool fail_fast;   /* stop all when one fails */
    bool fresh;       /* start over what is there */
    bool quiet;
    const atomic_int
        *stop; /* requests to stop so far: at the first the runs save, at the next they end; null: never */
    /* launchers other than local */
    const char *partition, *time_limit, *memory; /* null: the cluster's default */
    const char *follow_up; /* a command line for when all are done (figures and report), or null */
    /* as rt_train_options.begin, for runs in threads of this process */
    void (*begin)(const struct rt_dataset *dataset, const char *run_dir);
    /* called after each run that finished, while others go on */
    void (*finished)(void *context, const struct rt_sweep_run *run);
    void *context;
};

struct rt_sweep {
    struct rt_sweep_run *runs;
    int count;
    struct rt_sweep_options options;
    char devices[RT_SWEEP_DEVICES_MAX][RT_DEVICE_WORD_MAX]; /* rt_sweep_choose_places: "cuda:0" */
    int device_count;
    int slots; /* runs at once on each of these; 0: runs have cores */
};
void rt_sweep_free(struct rt_sweep *sweep);

/* Appends a run of this experiment with no settings and one stage (its num_epochs); *run is valid until the
 * next call. RT_EMEMORY; RT_EUSAGE: too many settings. */
int rt_sweep_add(struct rt_sweep *sweep, const struct rt_experiment *experiment, const char *base,
                 struct rt_sweep_run **run, struct rt_error *err);
int rt_sweep_add_setting(struct rt_sweep_run *run, const char *setting, struct rt_error *err);
bool rt_sweep_is_set(const struct rt_sweep_run *run, const char *key); /* by one of its settings */

/* An experiment, and what is changed in it. */
struct rt_grid {
    const char *base;            /* a built-in name or a file */
    const char *const *settings; /* KEY=VALUE of every run, ended by null; null: none */
    const char *const *axes;     /* KEY=V1,V2,...: a run for each combination; ended by null; null: none */
    int stages;                  /* sessions that share the epochs: usually 1 */
};

/* Adds a run for each point of the grid; values other than the experiment's own go into the run's name.
 * RT_EUSAGE, RT_ECONFIG, RT_EIO. */
int rt_sweep_add_grid(struct rt_sweep *sweep, const struct rt_grid *grid, struct rt_error *err);

/* Finds out what has been done already: fills directory, state, stage and epochs_done. Without options.fresh a
 * run whose config differs from what is planned in anything that changes its numbers is refused (RT_ECONFIG,
 * naming the key); so are two runs with one directory. */
int rt_sweep_inspect(struct rt_sweep *sweep, struct rt_error *err);

/* Where the runs will be: fills devices and slots. On a device that is not the CPU, side_by_side slots, or as
 * many runs as its memory has room for. RT_ECONFIG: no such device, or runs of the plan are on different kinds
 * of them. */
int rt_sweep_choose_places(struct rt_sweep *sweep, struct rt_error *err);

/* Gives each run its cores: with jobs = 0 one each for small networks and all for convolutional ones, where
 * threads pay; else an equal share. */
void rt_sweep_share_cores(struct rt_sweep *sweep);

/* Fills in what is known about a run's cost without measuring: epochs_expected, flops_per_epoch,
 * steps_per_epoch, images, disk_bytes. `data` as --data takes it. RT_ECONFIG, RT_EMEMORY. */
int rt_sweep_estimate_run(struct rt_sweep_run *run, const char *data, struct rt_error *err);

/* Measures seconds_per_step and memory_bytes of each kind of run with a few steps on random images
 * (options.cores threads for all that get more than one). At most about `seconds`, and 1.5 for a kind.
 * Errors as rt_bench_steps. */
int rt_sweep_measure(struct rt_sweep *sweep, double seconds, struct rt_error *err);

/* Whether two runs cost the same per step. */
bool rt_sweep_costs_alike(const struct rt_sweep_run *a, const struct rt_sweep_run *b);

/* Brings a running run's pace_s up to date, of as many that share the place. */
void rt_sweep_note_pace(struct rt_sweep_run *run, int side_by_side);
/* A run has finished: corrects epochs_expected of those that differ from it in the seed alone. */
void rt_sweep_note_end(const struct rt_sweep *sweep, const struct rt_sweep_run *ended);
/* Corrects seconds_per_step by what the runs of this sweep have shown. */
void rt_sweep_update_estimates(const struct rt_sweep *sweep);
/* The same by the runs that are in options.runs already: those of the kind that finished say how many epochs,
 * those that cost the same how long a step. RT_EIO, RT_EMEMORY. */
int rt_sweep_estimate_from_disk(struct rt_sweep *sweep, struct rt_error *err);

/* "68 of 70 runs to do on 2 cores: about 3h10m"; nothing when all are finished. Where no run tells how long it
 * takes, a long sweep measures a few steps (3 s in all); of a short one the time is left out. Errors as
 * rt_sweep_measure. */
int rt_sweep_format_start(struct rt_sweep *sweep, struct rt_text *text, struct rt_error *err);

/* Appends where the runs will be: "2 cores", or "cuda:0, cuda:1, 3 side by side on each". */
void rt_sweep_append_places(struct rt_text *text, const struct rt_sweep *sweep);

/* Seconds that one run still needs, and that all will take when started in order as cores come free. NaN where
 * unknown. */
double rt_sweep_run_seconds(const struct rt_sweep_run *run);
double rt_sweep_total_seconds(const struct rt_sweep *sweep);

/* Measures a few steps of each kind of run, then appends a line a run and the totals. Errors likewise. */
int rt_sweep_format_plan(struct rt_sweep *sweep, struct rt_text *text, struct rt_error *err);

/* The words of a run's command line for a stage, ended by null; those made here live in `scratch`. */
struct rt_sweep_command {
    const char *words[RT_COMMAND_WORDS_MAX];
    char epochs[24], threads[16];
};
void rt_sweep_command(struct rt_sweep_command *command, const struct rt_sweep *sweep,
                      const struct rt_sweep_run *run, int stage);

/* The last line of DIRECTORY/metrics.csv. */
void rt_sweep_read_progress(struct rt_sweep_progress *progress, const struct rt_sweep_run *run);

/* Launchers: how the runs of a plan that are not finished are carried out. Each is one file and one line. */
struct rt_launcher {
    const char *name; /* --launcher */
    bool here;        /* on this machine, and finished when it returns */
    int patience;     /* requests to stop that it answers itself */
    int (*launch)(struct rt_sweep *sweep, struct rt_error *err);
};
/* X(name, what it does, for --help) */
#define RT_LAUNCHERS(X)                                                                                        \
    X(local, "on this machine's cores, each run a process (default)")                                          \
    X(threads, "in threads of this process, which share a device and the data (default on a GPU)")             \
    X(slurm, "submitted to Slurm as one job array")                                                            \
    X(print, "only shown, as the script of that job array")
#define RT_LAUNCHER_DECLARE(name, help) extern const struct rt_launcher rt_launcher_##name;
RT_LAUNCHERS(RT_LAUNCHER_DECLARE)
#undef RT_LAUNCHER_DECLARE
extern const struct rt_launcher *const rt_launchers[]; /* ended by null */

/* Null: there is none of that name; without a name, the one for the plan's places. */
const struct rt_launcher *rt_launcher_find(const struct rt_sweep *sweep, const char *name);

#endif
