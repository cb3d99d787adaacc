/* The cost of a plan: a few measured steps, and a simulation of the plan. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "bench/bench.h"
#include "data/corruption/corruption.h"
#include "data/source.h"
#include "net/models.h"
#include "sweep/sweep.h"
#include "train/disk.h"
#include "train/flops.h"
#include "train/published.h"

enum { CHANNELS = 3, PLANE = 28 * 28 };

/* Longer says no more of one kind of run. */
static const double kind_seconds_max = 1.5;

/* Images in the data set that --data names: what was published, for directories too. */
static void count_images(const struct rt_experiment *experiment, const char *data, double *train, double *test)
{
    const struct rt_source_kind *source = rt_source_kind_of(data);

    *train = (double)source->train_count;
    *test = (double)source->test_count;
    if (experiment->train_size.given)
        *train = fmin(*train, (double)experiment->train_size.value);
    if (experiment->test_size.given)
        *test = fmin(*test, (double)experiment->test_size.value);
}

/* Operations and steps of an epoch, and how many epochs to expect. */
int rt_sweep_estimate_run(struct rt_sweep_run *run, const char *data, struct rt_error *err)
{
    const struct rt_experiment *experiment = &run->experiment;
    const struct rt_model_options options = {experiment->bn, (float)experiment->dropout,
                                             rt_source_kind_of(data)->channels};
    double train, test;
    struct rt_graph graph = {0};

    count_images(experiment, data, &train, &test);
    run->images = train + test;
    const int rc = rt_model_build(&graph, rt_model_find(experiment->model_name), &options, err);
    if (!rc) {
        run->flops_per_epoch = train * rt_flops_training(&graph);
        run->steps_per_epoch = ceil(train / (double)experiment->batch_size);
        run->disk_bytes =
            rt_disk_need(experiment, &graph, (double)experiment->num_epochs, run->steps_per_epoch).bytes;
    }
    rt_graph_free(&graph);
    run->epochs_expected = rt_expected_epochs(experiment);
    return rc;
}

bool rt_sweep_costs_alike(const struct rt_sweep_run *a, const struct rt_sweep_run *b)
{
    return !strcmp(a->experiment.model_name, b->experiment.model_name) &&
           a->experiment.bn == b->experiment.bn && a->experiment.batch_size == b->experiment.batch_size &&
           a->cores == b->cores && a->experiment.winograd == b->experiment.winograd &&
           a->experiment.optimizer == b->experiment.optimizer &&
           a->experiment.precision == b->experiment.precision &&
           !strcmp(a->experiment.device, b->experiment.device);
}

static int measure(struct rt_sweep_run *run, const struct rt_sweep *sweep, double seconds, struct rt_error *err)
{
    const char *device = sweep->device_count ? sweep->devices[0] : run->experiment.device;
    struct rt_bench_options options = {.experiment = run->experiment,
                                       .engine = sweep->options.engine,
                                       .threads = run->cores,
                                       .core = -1,
                                       .evaluates = true,
                                       .seconds = seconds};
    struct rt_bench_result *result;
    int rc;

    rt_copy_text(options.experiment.device, RT_TEXT_MAX, device);
    options.experiment.seed = (struct rt_optional_int){.given = true, .value = 1};
    RT_TRY(rt_alloc(&result, 1, sizeof *result, "a measurement", err));
    if (!(rc = rt_bench_steps(result, &options, err))) {
        run->seconds_per_step = result->times.median;
        run->memory_bytes = (double)(result->plan_bytes + result->evaluation_bytes);
    }
    rt_free(&result);
    return rc;
}

/* Images and labels as they are held: bytes, or floats for Gaussian pixels. */
static double data_bytes(const struct rt_sweep_run *run)
{
    const struct rt_corruption *corruption = rt_corruption_find(run->experiment.data_corruption_type);
    const bool floats = corruption && corruption->makes_noise;

    return run->images * (1 + CHANNELS * PLANE * (floats ? 4.0 : 1.0));
}

int rt_sweep_measure(struct rt_sweep *sweep, double seconds, struct rt_error *err)
{
    int kinds = 0;

    for (int pass = 0; pass < 2; pass++) {
        for (int i = 0; i < sweep->count; i++) {
            struct rt_sweep_run *run = &sweep->runs[i];
            int same = 0;
            while (same < i && !rt_sweep_costs_alike(&sweep->runs[same], run))
                same++;
            if (pass == 0) {
                kinds += same == i;
            } else if (same == i) {
                RT_TRY(measure(run, sweep, fmin(seconds / kinds, kind_seconds_max), err));
            } else {
                run->seconds_per_step = sweep->runs[same].seconds_per_step;
                run->memory_bytes = sweep->runs[same].memory_bytes;
            }
        }
    }
    for (int i = 0; i < sweep->count; i++)
        sweep->runs[i].memory_bytes += data_bytes(&sweep->runs[i]);
    return RT_OK;
}

double rt_sweep_run_seconds(const struct rt_sweep_run *run)
{
    if (run->state == RT_SWEEP_FINISHED || run->state == RT_SWEEP_FAILED)
        return 0;
    const double left = run->epochs_expected - run->epochs_done;
    return (left > 0 ? left : 0) * run->steps_per_epoch * run->seconds_per_step;
}

double rt_sweep_total_seconds(const struct rt_sweep *sweep)
{
    enum { CORES_MAX = 256 };
    double free_at[CORES_MAX] = {0}, end = 0;
    /* on a device, as if runs side by side took turns */
    const int places = sweep->slots ? sweep->device_count : sweep->options.cores;
    const int cores = places < CORES_MAX ? places : CORES_MAX;

    for (int i = 0; i < sweep->count; i++) {
        const struct rt_sweep_run *run = &sweep->runs[i];
        const double seconds = rt_sweep_run_seconds(run);
        if (run->state == RT_SWEEP_FINISHED || run->state == RT_SWEEP_FAILED)
            continue;
        /* the cores that become free first; kept sorted */
        const int taken = run->cores < cores ? run->cores : cores;
        const double begin = free_at[taken - 1];
        for (int k = 0; k < taken; k++)
            free_at[k] = begin + seconds;
        for (int k = 1; k < cores; k++)
            for (int m = k; m > 0 && free_at[m - 1] > free_at[m]; m--) {
                const double swap = free_at[m];
                free_at[m] = free_at[m - 1];
                free_at[m - 1] = swap;
            }
        end = fmax(end, begin + seconds);
        if (isnan(seconds))
            return NAN;
    }
    return end;
}
