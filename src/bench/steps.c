#include "bench/bench.h"

#include "base/clock.h"
#include "base/memory.h"
#include "bench/clock.h"
#include "data/source.h"
#include "net/models.h"
#include "net/ops.h"
#include "train/evaluate.h"
#include "train/flops.h"

enum {
    BATCHES = 4, /* in memory, one after the other: a step does not find its images in the cache */
    WARM_UP_STEPS = 2,
    PROFILED_PASSES = 4, /* where kernels are timed apart; the first to warm up */
};

static const double warm_up_s = 0.05;

struct bench {
    const struct rt_bench_options *options;
    int channels;
    struct rt_dataset dataset; /* BATCHES batches of random images */
    struct rt_graph graph;
    struct rt_device *device;
    struct rt_store *store;
    struct rt_plan *plan;
    uint64_t serial;
};

/* With times of stages, or without. */
static int make_plan(struct bench *bench, bool profile, struct rt_error *err)
{
    const struct rt_experiment *experiment = &bench->options->experiment;
    const struct rt_plan_options options = {
        .batch_max = (int)experiment->batch_size,
        .pass_max = BATCHES * (size_t)experiment->batch_size,
        .training = true,
        .winograd = experiment->winograd,
        .profile = profile,
        .seed = (uint64_t)experiment->seed.value,
        .precision = experiment->precision,
        .optimizer = &rt_optimizers[experiment->optimizer],
    };

    RT_TRY(rt_plan_create(&bench->plan, bench->device, &bench->graph, &options, err));
    return rt_plan_initialize(bench->plan, (uint32_t)experiment->seed.value, err);
}

static int open_device(struct bench *bench, struct rt_error *err)
{
    const struct rt_experiment *experiment = &bench->options->experiment;
    const struct rt_model *model = rt_model_find(experiment->model_name);
    const struct rt_model_options model_options = {experiment->bn, (float)experiment->dropout, bench->channels};
    struct rt_device_options device_options = {.threads = bench->options->threads};
    const struct rt_engine *engine;

    if (!model)
        return rt_fail(err, RT_ECONFIG, "model_name: there is no model '%s'", experiment->model_name);
    RT_TRY(rt_model_build(&bench->graph, model, &model_options, err));
    RT_TRY(rt_graph_check_batch(&bench->graph, (int)experiment->batch_size, true, err));
    RT_TRY(rt_engine_choose(&engine, &device_options.ordinal, bench->options->engine, experiment->device, err));
    RT_TRY(rt_device_open(&bench->device, engine, &device_options, err));
    return make_plan(bench, !engine->profile_slows, err);
}

static int make_images(struct bench *bench, struct rt_error *err)
{
    const struct rt_experiment *experiment = &bench->options->experiment;

    RT_TRY(rt_dataset_random(&bench->dataset, BATCHES * (size_t)experiment->batch_size, bench->channels,
                             (uint32_t)experiment->seed.value, err));
    return rt_store_create(&bench->store, bench->device, &bench->dataset, err);
}

/* The memory of a plan that evaluates. */
static int plan_evaluation(const struct bench *bench, size_t *bytes, struct rt_error *err)
{
    struct rt_evaluator evaluator;

    RT_TRY(rt_evaluator_create(&evaluator, bench->store, bench->plan, err));
    *bytes = rt_plan_memory_bytes(evaluator.plan);
    rt_evaluator_free(&evaluator);
    return RT_OK;
}

static void free_bench(struct bench *bench)
{
    rt_plan_free(&bench->plan);
    rt_store_free(&bench->store);
    rt_device_close(&bench->device);
    rt_graph_free(&bench->graph);
    rt_dataset_free(&bench->dataset);
}

static int begin_pass(struct bench *bench, struct rt_error *err)
{
    const struct rt_experiment *experiment = &bench->options->experiment;
    const struct rt_pass pass = {
        .kind = RT_PASS_TRAIN,
        .store = bench->store,
        .count = bench->dataset.train_count,
        .batch_size = (int)experiment->batch_size,
        .serial = bench->serial,
        .update = {experiment->learning_rate, experiment->momentum, experiment->weight_decay},
    };

    return rt_plan_begin(bench->plan, &pass, err);
}

/* As many steps as the engine likes in flight (one on a CPU), and the seconds of one. */
static int step(struct bench *bench, double *seconds, struct rt_error *err)
{
    struct rt_step ignored = {0};
    double start;
    int steps;

    if (!rt_plan_left(bench->plan))
        RT_TRY(begin_pass(bench, err));
    start = rt_clock_wall_s();
    steps = rt_plan_advance(bench->plan, rt_plan_stride(bench->plan));
    for (int i = 0; i < steps; i++)
        RT_TRY(rt_plan_collect(bench->plan, &ignored, NULL, err));
    *seconds = (rt_clock_wall_s() - start) / steps;
    bench->serial += (uint64_t)steps;
    return RT_OK;
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

static int measure(struct bench *bench, struct rt_bench_clock *clock, struct rt_bench_result *result,
                   struct rt_error *err)
{
    bool only_clean = false;

    while (rt_bench_clock_goes_on(clock)) {
        struct rt_profile profile = {0};
        double seconds;
        bool clean;

        rt_profile_add(&profile, bench->plan, -1);
        rt_bench_clock_begin(clock);
        RT_TRY(step(bench, &seconds, err));
        clean = rt_bench_clock_note(clock, seconds);
        rt_profile_add(&profile, bench->plan, 1);
        keep_profile(result, &profile, clean, &only_clean);
    }
    return RT_OK;
}

/* Where keeping times would slow the steps that are measured: some more steps, of a plan that does. */
static int measure_kernels(struct bench *bench, struct rt_bench_result *result, struct rt_error *err)
{
    double seconds;

    if (!bench->device->engine->profile_slows)
        return RT_OK;
    rt_plan_free(&bench->plan);
    RT_TRY(make_plan(bench, true, err));
    for (int i = 0; i < PROFILED_PASSES; i++) {
        const uint64_t first = bench->serial;

        do
            RT_TRY(step(bench, &seconds, err));
        while (rt_plan_left(bench->plan));
        if (i == 0)
            rt_profile_add(&result->profile, bench->plan, -1);
        else
            result->profiled_steps += (double)(bench->serial - first);
    }
    rt_profile_add(&result->profile, bench->plan, 1);
    return RT_OK;
}

/* The rate of a layer's products; in tf32 linear layers are in float32. */
static double product_ceiling(const struct rt_ceilings *ceilings, enum rt_precision precision,
                              const struct rt_node *node)
{
    if (precision == RT_PRECISION_BF16)
        return ceilings->bf16_flops;
    return precision == RT_PRECISION_TF32 && node->op == &rt_op_conv ? ceilings->tf32_flops
                                                                     : ceilings->fp32_flops;
}

/* The device's ceilings, and the rate at which they let the network's products run. */
static int find_ceilings(struct bench *bench, struct rt_bench_result *result, struct rt_error *err)
{
    const enum rt_precision precision = bench->plan->options.precision;
    struct rt_ceilings *ceilings = &result->ceilings;
    double operations = 0, seconds = 0;

    *ceilings = bench->options->ceilings;
    if (!bench->device->engine->ceilings || !bench->options->measures_ceilings)
        return RT_OK;
    if (ceilings->bytes_per_s <= 0)
        RT_TRY(bench->device->engine->ceilings(bench->device, ceilings, err));
    for (int i = 0; i < bench->graph.node_count; i++) {
        const struct rt_node *node = &bench->graph.nodes[i];
        const double rate = product_ceiling(ceilings, precision, node);

        if (!node->op->multiply_adds || rate <= 0)
            continue;
        operations += (double)node->op->multiply_adds(&bench->graph, node);
        seconds += (double)node->op->multiply_adds(&bench->graph, node) / rate;
    }
    result->ceiling_flops = seconds > 0 ? operations / seconds : 0;
    return RT_OK;
}

double rt_bench_share_of_products(const struct rt_bench_result *result)
{
    const double most = result->ceiling_flops * result->times.median;

    return most > 0 ? result->flops / most : 0;
}

double rt_bench_share_of_memory(const struct rt_bench_result *result)
{
    const double most = result->ceilings.bytes_per_s * result->times.median;

    return most > 0 ? result->work.bytes / most : 0;
}

static int warm_up(struct bench *bench, struct rt_error *err)
{
    double total = 0, seconds;

    for (int i = 0; i < WARM_UP_STEPS || total < warm_up_s; i++) {
        RT_TRY(step(bench, &seconds, err));
        total += seconds;
    }
    return RT_OK;
}

int rt_bench_steps(struct rt_bench_result *result, const struct rt_bench_options *options, struct rt_error *err)
{
    struct bench bench = {.options = options};
    const struct rt_source_kind *kind;
    struct rt_bench_clock *clock = NULL;
    int rc;

    *result = (struct rt_bench_result){0};
    RT_TRY(rt_source_find_kind(&kind, options->data, err));
    bench.channels = kind->channels;
    rt_core_bind(options->core);
    if ((rc = open_device(&bench, err)) || (rc = make_images(&bench, err)) ||
        (rc = rt_bench_clock_start(&clock, bench.device, NULL, options, err)) || (rc = warm_up(&bench, err)) ||
        (rc = find_ceilings(&bench, result, err)) || (rc = measure(&bench, clock, result, err)))
        goto done;
    result->threads = bench.device->options.threads;
    result->parameters = (int64_t)rt_graph_parameter_count(&bench.graph);
    result->flops = rt_flops_training(&bench.graph) * (double)options->experiment.batch_size;
    result->precision = bench.plan->options.precision;
    rt_plan_step_work(bench.plan, &result->work);
    result->plan_bytes = rt_plan_memory_bytes(bench.plan);
    result->peak_bytes = rt_peak_memory_bytes();
    if (options->evaluates && (rc = plan_evaluation(&bench, &result->evaluation_bytes, err)))
        goto done;
    rt_bench_clock_read(clock, result);
    result->profiled_steps *= !bench.device->engine->profile_slows;
    rc = measure_kernels(&bench, result, err);
done:
    rt_free(&clock);
    free_bench(&bench);
    return rc;
}
