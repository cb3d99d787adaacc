/* Measuring whole epochs, as rethink train goes through them: batches gathered, metrics, log points, recorders
 * and their files. Steps are timed by the plan itself, in the same epochs; where that would slow them, they are
 * run once more with nothing between. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/path.h"
#include "bench/clock.h"
#include "track/recorder.h"
#include "train/flops.h"
#include "train/loop.h"
#include "train/setup.h"

enum { EPOCHS = 5 /* that the time should be enough for */ };

struct bench {
    struct rt_experiment experiment;
    struct rt_setup setup;
    struct rt_batches batches;
    struct rt_provenance provenance;
    struct rt_run_info info;
    struct rt_recorders *recorders;
    struct rt_loop loop;
    char folder[RT_PATH_MAX]; /* of what recorders write */
};

static int save_nothing(void *context, struct rt_error *err)
{
    (void)context;
    (void)err;
    return RT_OK;
}

static int make_folder(struct bench *bench, struct rt_error *err)
{
    const char *temporary = getenv("TMPDIR");
    char path[RT_PATH_MAX];

    RT_TRY(rt_path_join(path, temporary && *temporary ? temporary : "/tmp", "rethink-bench", err));
    return rt_folder_make_temporary(bench->folder, path, err);
}

/* The seconds of one step, after one that comes cold. */
static int try_steps(struct bench *bench, double *seconds, struct rt_error *err)
{
    struct rt_setup *setup = &bench->setup;
    struct rt_pass pass = {
        .kind = RT_PASS_TRAIN,
        .store = setup->store,
        .batch_size = bench->batches.batch_size,
        .count = setup->dataset.train_count,
        .update = {.learning_rate = bench->experiment.learning_rate},
    };
    struct rt_step ignored = {0};

    rt_batches_begin_epoch(&bench->batches, 1);
    pass.order = bench->batches.order;
    pass.crops = bench->batches.crops;
    for (int i = 0; i < 2; i++) {
        double start;

        RT_TRY(rt_plan_begin(setup->plan, &pass, err));
        start = rt_clock_wall_s();
        rt_plan_advance(setup->plan, 1);
        RT_TRY(rt_plan_collect(setup->plan, &ignored, NULL, err));
        *seconds = rt_clock_wall_s() - start;
    }
    return RT_OK;
}

static int prepare(struct bench *bench, const struct rt_bench_options *options, struct rt_error *err)
{
    struct rt_experiment *experiment = &bench->experiment;
    const struct rt_augmentation augmentation = rt_experiment_augmentation(experiment);
    const struct rt_engine *engine;
    int ordinal;

    RT_TRY(rt_engine_choose(&engine, &ordinal, options->engine, experiment->device, err));
    RT_TRY(rt_dataset_load(&bench->setup.dataset, options->data, experiment, options->threads, err));
    bench->setup.profile = !engine->profile_slows;
    RT_TRY(rt_setup_network(&bench->setup, experiment, options->engine, options->threads, true, err));
    RT_TRY(rt_plan_initialize(bench->setup.plan, (uint32_t)experiment->seed.value, err));
    RT_TRY(rt_batches_create(&bench->batches, &bench->setup.dataset, (int)experiment->batch_size,
                             (uint32_t)experiment->seed.value, &augmentation, err));
    rt_setup_describe(&bench->setup, &bench->provenance);
    bench->info = (struct rt_run_info){.experiment = experiment,
                                       .run_dir = bench->folder,
                                       .provenance = &bench->provenance,
                                       .start_epoch = 1,
                                       .verbosity = -1};
    RT_TRY(make_folder(bench, err));
    return rt_recorders_start(&bench->recorders, experiment->track, &bench->info, err);
}

/* As many batches an epoch as leave time for several, at most all. The data set forgets the rest. */
static int shorten(struct bench *bench, double seconds, struct rt_error *err)
{
    double step_s, batches;
    size_t images;

    RT_TRY(try_steps(bench, &step_s, err));
    batches = fmax(3, seconds / EPOCHS / step_s);
    images = (size_t)(batches * (double)bench->experiment.batch_size);
    if (images < bench->setup.dataset.train_count)
        bench->setup.dataset.train_count =
            images / (size_t)bench->experiment.batch_size * (size_t)bench->experiment.batch_size;
    bench->info.batches_per_epoch = rt_batches_per_epoch(&bench->batches);
    return RT_OK;
}

static void begin(struct bench *bench)
{
    struct rt_loop *loop = &bench->loop;

    loop->experiment = &bench->experiment;
    loop->plan = bench->setup.plan;
    loop->store = bench->setup.store;
    loop->batches = &bench->batches;
    loop->evaluator = &bench->setup.evaluator;
    loop->recorders = bench->recorders;
    loop->flops_per_image = rt_flops_training(&bench->setup.graph);
    loop->save = save_nothing;
    loop->progress.threshold.reached = true; /* or the epoch that meets it would stop, or test */
    bench->experiment.curve = true;
    bench->experiment.num_epochs = 0;
}

/* The steps of an epoch alone. */
static int run_steps(struct bench *bench, double *seconds, struct rt_error *err)
{
    struct rt_plan *plan = bench->setup.plan;
    const struct rt_pass pass = {
        .kind = RT_PASS_TRAIN,
        .store = bench->setup.store,
        .order = bench->batches.order,
        .crops = bench->batches.crops,
        .batch_size = bench->batches.batch_size,
        .count = bench->setup.dataset.train_count,
        .update = {.learning_rate = bench->experiment.learning_rate},
    };
    struct rt_step ignored = {0};
    const double start = rt_clock_wall_s();

    RT_TRY(rt_plan_begin(plan, &pass, err));
    while (rt_plan_left(plan) || rt_plan_in_flight(plan)) {
        rt_plan_advance(plan, rt_plan_stride(plan) - rt_plan_in_flight(plan));
        RT_TRY(rt_plan_collect(plan, &ignored, NULL, err));
    }
    *seconds = rt_clock_wall_s() - start;
    return RT_OK;
}

/* One more epoch. */
static int measure(struct bench *bench, struct rt_bench_clock *clock, struct rt_error *err)
{
    struct rt_profile steps = {0};
    double start, seconds, steps_s;

    bench->experiment.num_epochs++;
    rt_profile_add(&steps, bench->setup.plan, -1);
    rt_bench_clock_begin(clock);
    start = rt_clock_wall_s();
    RT_TRY(rt_loop_run(&bench->loop, err));
    seconds = rt_clock_wall_s() - start;
    rt_profile_add(&steps, bench->setup.plan, 1);
    steps_s = rt_profile_seconds(&steps);
    if (!bench->setup.profile)
        RT_TRY(run_steps(bench, &steps_s, err));
    rt_bench_clock_note(clock, seconds / steps_s - 1);
    return RT_OK;
}

static void free_bench(struct bench *bench)
{
    char temporary[RT_PATH_MAX];

    rt_recorders_free(&bench->recorders);
    if (*bench->folder && !rt_path_folder(temporary, bench->folder, NULL))
        rt_tree_remove(bench->folder, temporary, NULL);
    rt_batches_free(&bench->batches);
    rt_setup_free(&bench->setup);
    rt_free(&bench);
}

int rt_bench_epoch(struct rt_bench_result *result, const struct rt_bench_options *options, struct rt_error *err)
{
    struct rt_bench_clock *clock = NULL;
    struct bench *bench = NULL;
    int rc;

    *result = (struct rt_bench_result){0};
    RT_TRY(rt_alloc(&bench, 1, sizeof *bench, "a bench", err));
    bench->experiment = options->experiment;
    if ((rc = prepare(bench, options, err)) ||
        (rc = rt_bench_clock_start(&clock, bench->setup.device, NULL, options, err)) ||
        (rc = shorten(bench, options->seconds, err)))
        goto done;
    begin(bench);
    while (!rc && rt_bench_clock_goes_on(clock))
        rc = measure(bench, clock, err);
    if (!rc) {
        result->threads = bench->setup.device->options.threads;
        result->peak_bytes = rt_peak_memory_bytes();
        rt_bench_clock_read(clock, result);
    }
done:
    rt_free(&clock);
    free_bench(bench);
    return rc;
}
