/* Measuring: training steps, whole epochs, the start of a run. Each call measures in this process; to have
 * memory counted apart, or several at once, make it through bench/fork.h. Errors are those of what is measured:
 * of data, engine and device; RT_EMEMORY.
 *
 * Each repetition stands between two probes of the machine's speed (bench/peak.h). Where one of them was
 * slower than 88 % of the best probe, or where our threads stood ready for more than 5 % of the time while
 * others had the cores, something else was at work: the repetition is disturbed and not counted. */
#ifndef RT_BENCH_BENCH_H
#define RT_BENCH_BENCH_H

#include "config/experiment.h"
#include "engine/engine.h"
#include "train/profile.h"

#define RT_BENCH_CLEAN 0.88
#define RT_BENCH_WAITED 0.05

enum { RT_BENCH_REPETITIONS_MAX = 4096 };

struct rt_bench_options {
    struct rt_experiment experiment; /* model_name, bn, batch_size, winograd, ... */
    const char *data;                /* as rt_dataset_load takes it; steps: its channels count */
    const char *engine;              /* null: the first on experiment.device */
    int threads;                     /* 0: one per core */
    int core;                        /* run on this core alone, counted among those allowed; -1: on any */
    bool evaluates;                  /* steps: plan an evaluation too, for its memory */
    double seconds;                  /* to spend, about; twice as long where few repetitions are clean */
    double best_flops;               /* the best probe of earlier measurements; 0: there was none */
    bool measures_ceilings;          /* steps: the device's too, where `ceilings` has none */
    struct rt_ceilings ceilings;     /* found by earlier measurements; 0: not yet */
};

/* Repetitions, only the clean ones where there are any. */
struct rt_bench_times {
    int count, clean, disturbed; /* count: of `all_s`; all are disturbed where clean is 0 */
    double median, least;
    double all[RT_BENCH_REPETITIONS_MAX];
};

struct rt_bench_result {
    int threads;
    int64_t parameters;
    char target[64];     /* that was computed for: "avx2", or a GPU's name */
    double best_flops;   /* the best probe: the peak; 0 where the cores do not compute, and are not probed */
    double round_trip_s; /* between two threads' cores (bench/peak.h), the mean over `times`; 0: one thread */
    double flops;        /* direct equivalents of one step */
    struct rt_ceilings ceilings; /* steps: the device's; 0: the cores compute, or it measures none */
    enum rt_precision precision; /* steps: that the plan computes in */
    struct rt_step_work work;    /* steps: of one; no launches: the engine does not count them */
    double ceiling_flops; /* flops a second if the step's products ran at those of their precision; or 0 */
    struct rt_bench_times
        times;         /* seconds a step; seconds a start; or an epoch's time over that of its steps, less 1 */
    size_t plan_bytes; /* of the engine's plan */
    size_t evaluation_bytes; /* of the plan that evaluates, where asked for */
    size_t peak_bytes;       /* of this process, when the last step ended */
    double profiled_steps;
    struct rt_profile profile; /* of those */
};

/* What the median step reaches of the device's ceilings, 1: all: of its products' rate, and of its memory's by
 * the bytes of `work`. 0: not known. */
double rt_bench_share_of_products(const struct rt_bench_result *result);
double rt_bench_share_of_memory(const struct rt_bench_result *result);

/* Adds what a later measurement of the same thing has found, here or on other cores. */
void rt_bench_merge(struct rt_bench_result *result, const struct rt_bench_result *more);

/* Whole training steps on random images in memory: forward, loss, backward, update. */
int rt_bench_steps(struct rt_bench_result *result, const struct rt_bench_options *options,
                   struct rt_error *err);

/* Real epochs of as many batches as the time allows, with recorders and their files in a folder of their own:
 * what gathering batches, metrics, logging and recorders add to the steps. */
int rt_bench_epoch(struct rt_bench_result *result, const struct rt_bench_options *options,
                   struct rt_error *err);

/* Reading the data and corrupting it as the experiment says. */
int rt_bench_start(struct rt_bench_result *result, const struct rt_bench_options *options,
                   struct rt_error *err);

#endif
