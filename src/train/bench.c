#include "train/bench.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/mt19937.h"
#include "data/dataset.h"
#include "net/models.h"
#include "train/bench_clock.h"
#include "train/flops.h"

enum {
    BATCHES = 4, /* in memory, one after the other: a step does not find its images in the cache */
    WARM_UP_STEPS = 2,
};

static const double warm_up_s = 0.05;

struct bench {
    const struct rt_bench_options *options;
    struct rt_team *team;
    struct rt_graph graph;
    struct rt_plan *plan;
    struct rt_batch batches[BATCHES];
    float *images;   /* [BATCHES][batch_size][3][28][28] */
    uint8_t *labels; /* [BATCHES][batch_size] */
    uint64_t serial;
};

static int make_plan(struct bench *bench, struct rt_error *err)
{
    const struct rt_experiment *experiment = &bench->options->experiment;
    const struct rt_model *model = rt_model_find(experiment->model_name);
    const struct rt_model_options model_options = {experiment->bn, (float)experiment->dropout};
    struct rt_plan_options options = {
        .batch_max = (int)experiment->batch_size,
        .training = true,
        .winograd = experiment->winograd,
        .profile = true,
        .seed = (uint64_t)experiment->seed.value,
    };

    if (!model)
        return rt_fail(err, RT_ECONFIG, "model_name: there is no model '%s'", experiment->model_name);
    RT_TRY(rt_model_build(&bench->graph, model, &model_options, err));
    RT_TRY(rt_graph_check_batch(&bench->graph, options.batch_max, true, err));
    RT_TRY(rt_team_create(&bench->team, bench->options->threads, err));
    options.team = bench->team;
    RT_TRY(rt_plan_create(&bench->plan, rt_engines[0], &bench->graph, &options, err));
    return rt_plan_initialize(bench->plan, (uint32_t)experiment->seed.value, err);
}

/* Images as normalised ones are: mean 0, deviation 1. */
static int make_batches(struct bench *bench, struct rt_error *err)
{
    const int count = (int)bench->options->experiment.batch_size;
    const size_t image = (size_t)RT_CHANNELS * RT_PLANE, images = (size_t)BATCHES * (size_t)count;
    const float bound = 1.7320508f; /* of a uniform number whose deviation is 1 */
    struct rt_mt mt;

    RT_TRY(rt_alloc_aligned(&bench->images, images, image * sizeof(float), "the images of a bench", err));
    RT_TRY(rt_alloc(&bench->labels, images, 1, "the labels of a bench", err));
    rt_mt_seed(&mt, (uint32_t)bench->options->experiment.seed.value);
    for (size_t i = 0; i < images * image; i++)
        bench->images[i] = rt_mt_uniform(&mt, bound);
    for (size_t i = 0; i < images; i++)
        bench->labels[i] = (uint8_t)rt_mt_choice(&mt, RT_CLASSES);
    for (size_t i = 0; i < BATCHES; i++)
        bench->batches[i] = (struct rt_batch){.images = bench->images + i * (size_t)count * image,
                                              .labels = bench->labels + i * (size_t)count,
                                              .count = count};
    return RT_OK;
}

static void free_bench(struct bench *bench)
{
    rt_plan_free(&bench->plan);
    rt_team_free(&bench->team);
    rt_graph_free(&bench->graph);
    rt_free(&bench->images);
    rt_free(&bench->labels);
}

/* One step; returns its seconds. */
static double step(struct bench *bench)
{
    const struct rt_experiment *experiment = &bench->options->experiment;
    const struct rt_sgd sgd = {experiment->learning_rate, experiment->momentum, experiment->weight_decay};
    struct rt_batch *batch = &bench->batches[bench->serial % BATCHES];
    struct rt_metrics metrics = {0};
    const double start = rt_clock_wall_s();

    batch->serial = bench->serial++;
    rt_plan_train(bench->plan, batch, &sgd, &metrics);
    return rt_clock_wall_s() - start;
}

/* The profile is that of the clean steps, or of all while none was. */
static void keep_profile(struct rt_bench_result *result, const struct rt_profile *step, bool clean,
                         bool *only_clean)
{
    if (clean && !*only_clean) {
        *only_clean = true;
        result->profiled_steps = 0;
        result->profile = (struct rt_profile){0};
    }
    if (clean != *only_clean)
        return;
    result->profiled_steps++;
    rt_profile_merge(&result->profile, step);
}

static void measure(struct bench *bench, struct rt_bench_clock *clock, struct rt_bench_result *result)
{
    bool only_clean = false;

    while (rt_bench_clock_goes_on(clock)) {
        struct rt_profile profile = {0};
        double seconds;
        bool clean;

        rt_profile_add(&profile, bench->plan, -1);
        rt_bench_clock_begin(clock);
        seconds = step(bench);
        clean = rt_bench_clock_note(clock, seconds);
        rt_profile_add(&profile, bench->plan, 1);
        keep_profile(result, &profile, clean, &only_clean);
    }
}

static void warm_up(struct bench *bench)
{
    double seconds = 0;

    for (int i = 0; i < WARM_UP_STEPS || seconds < warm_up_s; i++)
        seconds += step(bench);
}

int rt_bench_steps(struct rt_bench_result *result, const struct rt_bench_options *options, struct rt_error *err)
{
    struct bench bench = {.options = options};
    struct rt_bench_clock *clock = NULL;
    int rc;

    *result = (struct rt_bench_result){0};
    rt_core_bind(options->core);
    if ((rc = make_plan(&bench, err)) || (rc = make_batches(&bench, err)) ||
        (rc = rt_bench_clock_start(&clock, bench.team, options, err)))
        goto done;
    warm_up(&bench);
    measure(&bench, clock, result);
    result->threads = rt_team_size(bench.team);
    result->parameters = (int64_t)rt_graph_parameter_count(&bench.graph);
    result->flops = rt_flops_training(&bench.graph) * (double)options->experiment.batch_size;
    result->plan_bytes = rt_plan_memory_bytes(bench.plan);
    result->peak_bytes = rt_peak_memory_bytes();
    rt_bench_clock_read(clock, result);
done:
    rt_free(&clock);
    free_bench(&bench);
    return rc;
}
