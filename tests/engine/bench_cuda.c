/* What a training step takes on a GPU, for tools/gpu-check: see `usage`. Times mean nothing on the fake driver.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "engine/cuda/cuda.h"
#include "support/network.h"

static const char usage[] =
    "usage: bench_cuda [MODEL...] [fp32|tf32|bf16] [--side-by-side N] [--images N] [--variants] [--kernels] "
    "[--list]\n"
    "A step: microseconds of a long pass over images on the device, in graphs, as training runs.\n"
    "  --variants  each step in four ways, in turn: weights' gradients on a branch of their own or on the one\n"
    "              stream, float32's tile of 64 x 32 with 4 stages of 16 or 3 of 32; training uses the first\n"
    "  --kernels   also each launch by itself, repeated, with what it computes\n"
    "  --list      only which kernels there are: source|options\n";

enum { BATCH = 128, IMAGES = 50000, REPEATS = 20, SIDE_MAX = 32 };

static const char *const models[] = {"MLP1", "MLP3", "AlexNet", "Inception", "InceptionNoBN", "WRN"};

struct trial {
    const char *model;
    enum rt_precision precision;
    struct rt_device *device;
    struct rt_store *store;
    struct rt_graph graph;
    struct rt_plan *plan;
    const uint32_t *order;
    size_t images;
    bool one_stream, deep; /* --variants: no second branch; 3 stages of 32 for float32's tile of 64 x 32 */
    double step_us, loss;
    struct rt_error err;
};

/* `from` -> `to`, of the same length, in a kernel's options. */
static bool replace_option(struct rt_cuda_kernel *kernel, const char *from, const char *to)
{
    char *at = strstr(kernel->options, from);

    if (at)
        memcpy(at, to, strlen(to)); /* NOLINT(bugprone-not-null-terminated-result): in the text's middle */
    return at != NULL;
}

/* A kernel of float32's tile of 64 x 32 with 4 stages of 16, with 3 of 32 instead; its splits stay. */
static void deepen(struct rt_cuda_kernel *kernel)
{
    const size_t stage = kernel->shared_bytes / 4;
    const bool across = strstr(kernel->options, "-DRT_PASS=2 ") != NULL; /* rows of k, else A's of k + 4 */
    const size_t padding = across                                            ? 0
                           : strstr(kernel->options, "-DRT_PASS=1 ") != NULL ? 4 * (64 + 32) * sizeof(float)
                                                                             : 4 * 64 * sizeof(float);

    if (!strstr(kernel->options, "-DRT_MATH=0 ") || !strstr(kernel->options, "-DRT_BM=64 -DRT_BN=32 ") ||
        !replace_option(kernel, "-DRT_BK=16 ", "-DRT_BK=32 "))
        return;
    replace_option(kernel, "-DRT_STAGES=4 ", "-DRT_STAGES=3 ");
    kernel->shared_bytes = 3 * (2 * (stage - padding) + padding);
}

/* Before the first pass, which compiles and captures. */
static void vary(struct trial *t)
{
    struct rt_cuda_plan *plan = (struct rt_cuda_plan *)t->plan;

    for (int i = 0; i < plan->launch_count; i++) {
        if (t->one_stream)
            plan->launches[i].side = plan->launches[i].fork = false;
        if (t->deep)
            deepen(&plan->launches[i].kernel);
    }
}

static int open_trial(struct trial *t)
{
    const struct rt_plan_options options = {
        .batch_max = BATCH, .pass_max = IMAGES, .training = true, .precision = t->precision};

    RT_TRY(rt_test_model(&t->graph, t->model, &t->err));
    RT_TRY(rt_plan_create(&t->plan, t->device, &t->graph, &options, &t->err));
    vary(t);
    return rt_plan_initialize(t->plan, 42, &t->err);
}

/* A pass of `images`, all enqueued at once; the last loss. */
static int run_pass(struct trial *t, size_t images)
{
    const struct rt_pass pass = {.kind = RT_PASS_TRAIN,
                                 .store = t->store,
                                 .order = t->order,
                                 .count = images,
                                 .batch_size = BATCH,
                                 .update = {.learning_rate = 0.01, .momentum = 0.9}};

    RT_TRY(rt_plan_begin(t->plan, &pass, &t->err));
    while (rt_plan_left(t->plan))
        rt_plan_advance(t->plan, rt_plan_stride(t->plan));
    while (rt_plan_in_flight(t->plan)) {
        struct rt_step step = {0};

        RT_TRY(rt_plan_collect(t->plan, &step, NULL, &t->err));
        t->loss = step.loss_sum / (double)step.count;
    }
    return RT_OK;
}

static void *time_trial(void *context)
{
    struct trial *t = context;
    const size_t steps = t->images / BATCH;
    double begin;

    t->step_us = 1e30;
    if (run_pass(t, t->images < 32 * BATCH ? t->images : 32 * BATCH))
        return NULL;
    for (int i = 0; i < 3; i++) {
        begin = rt_clock_wall_s();
        if (run_pass(t, steps * BATCH))
            return NULL;
        begin = (rt_clock_wall_s() - begin) / (double)steps * 1e6;
        t->step_us = begin < t->step_us ? begin : t->step_us;
    }
    return NULL;
}

static void check(const struct rt_cu *cu, rt_cu_result code, const char *what)
{
    const char *name = "?";

    if (!code)
        return;
    cu->error_name(code, &name);
    fprintf(stderr, "bench_cuda: %s: %s\n", what, name);
    exit(1);
}

/* One launch, REPEATS times in a graph of its own. */
static double launch_us(struct rt_cuda_plan *plan, const struct rt_cuda_launch *launch)
{
    const struct rt_cu *cu = plan->device->cu;
    struct rt_cuda_launch *const all = plan->launches;
    const int count = plan->launch_count;
    rt_cu_graph_exec executable;
    rt_cu_event begin, end;
    rt_cu_graph graph;
    struct rt_error err = {0};
    float milliseconds;

    plan->launches = (struct rt_cuda_launch *)(uintptr_t)launch;
    plan->launch_count = 1;
    check(cu, cu->event_create(&begin, 0), "event");
    check(cu, cu->event_create(&end, 0), "event");
    check(cu, cu->capture_begin(plan->stream, RT_CU_CAPTURE_RELAXED), "capture");
    for (int i = 0; i < REPEATS; i++)
        if (rt_cuda_launch_all(plan, launch->modes, false, &err)) {
            fprintf(stderr, "bench_cuda: %s\n", err.message);
            exit(1);
        }
    check(cu, cu->capture_end(plan->stream, &graph), "capture");
    check(cu, cu->graph_instantiate(&executable, graph, 0), "graph");
    for (int i = 0; i < 3; i++) {
        check(cu, cu->event_record(begin, plan->stream), "event");
        check(cu, cu->graph_launch(executable, plan->stream), "launch");
        check(cu, cu->event_record(end, plan->stream), "event");
        check(cu, cu->stream_synchronize(plan->stream), "kernel");
    }
    check(cu, cu->event_elapsed(&milliseconds, begin, end), "event");
    cu->graph_exec_destroy(executable);
    cu->graph_destroy(graph);
    cu->event_destroy(begin);
    cu->event_destroy(end);
    plan->launches = all;
    plan->launch_count = count;
    return (double)milliseconds * 1e3 / REPEATS;
}

static double product_flops(const struct rt_cuda_plan *plan, const struct rt_cuda_launch *launch)
{
    const struct rt_node *node = launch->node;

    if (strncmp(launch->kernel.source, "gemm", 4) != 0 && strncmp(launch->kernel.source, "conv", 4) != 0)
        return 0;
    if (strstr(launch->kernel.entry, "parts"))
        return 0;
    return 2.0 * BATCH * (double)node->op->multiply_adds(plan->base.graph, node);
}

static void print_kernels(struct trial *t)
{
    struct rt_cuda_plan *plan = (struct rt_cuda_plan *)t->plan;
    const unsigned modes = RT_CUDA_TRAINS | RT_CUDA_TRAINING_LOSS | RT_CUDA_BACKWARD | RT_CUDA_UPDATES;
    char label[RT_LABEL_MAX];
    double sum = 0;

    if (run_pass(t, 3 * BATCH)) /* all buffers hold numbers, and the count is a whole batch */
        return;
    for (int i = 0; i < plan->launch_count; i++) {
        const struct rt_cuda_launch *launch = &plan->launches[i];
        const struct rt_cuda_kernel *k = &launch->kernel;
        double us, flops;

        if (!(launch->modes & modes) || launch->modes == RT_CUDA_TRAINING_LOSS)
            continue;
        us = launch_us(plan, launch);
        flops = product_flops(plan, launch);
        sum += us;
        printf("kernel %s %s %8.2f us %7.1f TFLOP/s  %-24s grid %ux%ux%u block %u shared %zu  %s\n", t->model,
               rt_precision_word(t->precision), us, flops / us * 1e-6, k->entry, k->grid[0], k->grid[1],
               k->grid[2], k->block, k->shared_bytes, rt_node_label(launch->node, label));
    }
    printf("kernels %s %s %.1f us in all\n", t->model, rt_precision_word(t->precision), sum);
}

/* What is compiled for the model: a line each launch, "source|options". */
static int list_kernels(struct trial *t)
{
    const struct rt_cuda_plan *plan;

    if (open_trial(t)) {
        fprintf(stderr, "bench_cuda: %s\n", t->err.message);
        return 1;
    }
    plan = (const struct rt_cuda_plan *)t->plan;
    for (int i = 0; i < plan->launch_count; i++)
        printf("%s|%s\n", plan->launches[i].kernel.source, plan->launches[i].kernel.options);
    rt_plan_free(&t->plan);
    rt_graph_free(&t->graph);
    return 0;
}

/* `count` plans at once, each in a thread. */
static int run_trials(struct trial *first, int count, bool kernels)
{
    static struct trial trials[SIDE_MAX];
    pthread_t threads[SIDE_MAX];
    double slowest = 0;
    int rc = 0;

    for (int i = 0; i < count; i++) {
        trials[i] = *first;
        if ((rc = open_trial(&trials[i])))
            fprintf(stderr, "bench_cuda: %s\n", trials[i].err.message);
    }
    for (int i = 0; i < count && !rc; i++)
        pthread_create(&threads[i], NULL, time_trial, &trials[i]);
    for (int i = 0; i < count && !rc; i++) {
        pthread_join(threads[i], NULL);
        slowest = trials[i].step_us > slowest ? trials[i].step_us : slowest;
        if (trials[i].err.status)
            fprintf(stderr, "bench_cuda: %s\n", trials[i].err.message);
        rc |= (int)trials[i].err.status;
    }
    if (!rc)
        printf("step %s %s side-by-side %d: %.1f us, %.1f us a run's step, %zu MiB, loss %.4f%s%s\n",
               first->model, rt_precision_word(first->precision), count, slowest, slowest / count,
               rt_plan_memory_bytes(trials[0].plan) >> 20, trials[0].loss,
               first->one_stream ? ", on one stream" : "", first->deep ? ", 64 x 32 in 3 stages of 32" : "");
    if (!rc && kernels)
        print_kernels(&trials[0]);
    for (int i = 0; i < count; i++) {
        rt_plan_free(&trials[i].plan);
        rt_graph_free(&trials[i].graph);
    }
    fflush(stdout);
    return rc;
}

/* The step as it is, or in the four ways in turn, twice: what changes with time shows. */
static int run_variants(struct trial *first, int count, bool kernels, bool variants)
{
    int rc = 0;

    if (!variants)
        return run_trials(first, count, kernels);
    for (int i = 0; i < 8 && !rc; i++) {
        first->one_stream = i & 1;
        first->deep = i >> 1 & 1;
        rc = run_trials(first, count, kernels && i < 4);
    }
    first->one_stream = first->deep = false;
    return rc;
}

static int make_store(struct rt_store **store, struct rt_device *device, struct rt_dataset *dataset,
                      uint32_t *order)
{
    struct rt_error err = {0};

    *dataset = (struct rt_dataset){.train_count = IMAGES, .channels = 3, .height = 28, .width = 28, .side = 28};
    if (rt_alloc(&dataset->pixels, IMAGES, 3 * 28 * 28, "images", &err) ||
        rt_alloc(&dataset->labels, IMAGES, 1, "labels", &err))
        return 1;
    for (size_t i = 0; i < (size_t)IMAGES * 3 * 28 * 28; i++)
        dataset->pixels[i] = (uint8_t)(i * 2654435761u >> 24);
    for (uint32_t i = 0; i < IMAGES; i++) {
        dataset->labels[i] = (uint8_t)(i * 2654435761u >> 16) % 10;
        order[i] = (uint32_t)((uint64_t)i * 7919 % IMAGES);
    }
    return rt_store_create(store, device, dataset, &err);
}

int main(int argc, char **argv)
{
    static uint32_t order[IMAGES];
    struct trial trial = {.order = order, .images = IMAGES};
    bool kernels = false, list = false, variants = false, chosen = false, asked = false;
    bool precisions[RT_PRECISION_BF16 + 1] = {false};
    struct rt_dataset dataset;
    int side = 1, rc = 0;

    for (int i = 1; i < argc; i++) {
        kernels |= !strcmp(argv[i], "--kernels");
        list |= !strcmp(argv[i], "--list");
        variants |= !strcmp(argv[i], "--variants");
        if (!strcmp(argv[i], "--help"))
            return fputs(usage, stdout) < 0;
        for (int p = RT_PRECISION_FP32; p <= RT_PRECISION_BF16; p++) {
            precisions[p] |= !strcmp(argv[i], rt_precision_word((enum rt_precision)p));
            asked |= precisions[p];
        }
        if (!strcmp(argv[i], "--side-by-side") && i + 1 < argc)
            side = (int)strtol(argv[++i], NULL, 10);
        else if (!strcmp(argv[i], "--images") && i + 1 < argc)
            trial.images = (size_t)strtol(argv[++i], NULL, 10);
    }
    side = side < 1 ? 1 : side > SIDE_MAX ? SIDE_MAX : side;
    if (rt_device_open(&trial.device, &rt_engine_cuda, &(struct rt_device_options){0}, &trial.err)) {
        fprintf(stderr, "bench_cuda: %s\n", trial.err.message);
        return 1;
    }
    if (!list)
        printf("device %s\n", rt_device_target(trial.device));
    if (make_store(&trial.store, trial.device, &dataset, order))
        return 1;
    for (size_t m = 0; m < sizeof models / sizeof *models; m++)
        for (int i = 1; i < argc; i++)
            chosen |= !strcmp(argv[i], models[m]);
    for (size_t m = 0; m < sizeof models / sizeof *models; m++) {
        bool wanted = !chosen;

        for (int i = 1; i < argc; i++)
            wanted |= !strcmp(argv[i], models[m]);
        trial.model = models[m];
        for (int p = RT_PRECISION_FP32; p <= RT_PRECISION_BF16 && wanted; p++) {
            trial.precision = (enum rt_precision)p;
            if (precisions[p] || !asked)
                rc |= list ? list_kernels(&trial) : run_variants(&trial, side, kernels, variants);
        }
    }
    rt_store_free(&trial.store);
    rt_device_close(&trial.device);
    return rc != 0;
}
