/* What a step of the CUDA engine launches and moves, as `rethink bench` holds against the card's ceilings. */
#include <dlfcn.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/cuda/cuda.h"
#include "support/network.h"

static const char *const models[] = {"MLP1", "MLP3", "AlexNet", "Inception", "InceptionNoBN", "WRN"};

/* Every op; parts of concatenations and sums. */
static const char network[] =
    "conv 16 3 1 1 0; bn 1e-5; relu; max_pool 3 2 1; lrn 5 1e-4 0.75 2; conv 16 3 1 1 0; add @5 @6; "
    "conv 16 1 1 0 0 @5; concat @7 @8; dropout 0.2; avg_pool 2; flatten; relu; linear 8; relu; linear 4; loss";

static struct rt_device *device;

static struct rt_cuda_plan *plan_of(const struct rt_graph *graph, bool training, enum rt_precision precision)
{
    const struct rt_plan_options options = {.batch_max = 4, .training = training, .precision = precision};
    struct rt_plan *plan = NULL;
    struct rt_error err = {0};

    if (rt_plan_create(&plan, device, graph, &options, &err))
        fail_msg("%s", err.message);
    return (struct rt_cuda_plan *)plan;
}

static void free_plan(struct rt_cuda_plan *plan)
{
    struct rt_plan *base = &plan->base;

    rt_plan_free(&base);
}

/* Launches that reach the driver when a step is enqueued. */
static int enqueued(struct rt_cuda_plan *plan)
{
    void *driver = dlopen(getenv("RETHINK_CUDA_DRIVER"), RTLD_NOW);
    void (*fail_call)(const char *, long, int);
    long (*calls)(void);

    *(void **)&fail_call = dlsym(driver, "rt_fake_cuda_fail");
    *(void **)&calls = dlsym(driver, "rt_fake_cuda_calls");
    fail_call("cuLaunchKernel", 0, 0);
    assert_int_equal(rt_cuda_launch_all(plan, rt_cuda_modes(RT_PASS_TRAIN), false, NULL), RT_OK);
    return (int)calls();
}

static void check_launches(struct rt_graph *graph, enum rt_precision precision, const char *what)
{
    struct rt_cuda_plan *plan = plan_of(graph, true, precision);
    struct rt_step_work work;
    double parameters = 0;

    if (!rt_plan_step_work(&plan->base, &work))
        fail_msg("%s: a kernel that work.c does not know", what);
    if (work.launches != enqueued(plan))
        fail_msg("%s: %d launches counted, %d enqueued", what, work.launches, enqueued(plan));
    for (int i = 0; i < graph->tensor_count; i++)
        parameters += graph->tensors[i].role == RT_TENSOR_WEIGHT ? (double)graph->tensors[i].count : 0;
    assert_true(work.bytes > 5 * sizeof(float) * parameters); /* read; updated with their momentum */
    free_plan(plan);
}

static void test_launches(void **state)
{
    static const enum rt_precision precisions[] = {RT_PRECISION_TF32, RT_PRECISION_FP32, RT_PRECISION_BF16};
    struct rt_graph graph = {0};

    (void)state;
    for (int p = 0; p < 3; p++)
        for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
            assert_int_equal(rt_test_model(&graph, models[i], NULL), RT_OK);
            check_launches(&graph, precisions[p], models[i]);
            rt_graph_free(&graph);
        }
    assert_int_equal(rt_test_network(&graph, (struct rt_shape){3, 6, 6}, network, NULL), RT_OK);
    check_launches(&graph, RT_PRECISION_TF32, "every op");
    rt_graph_free(&graph);
}

static const struct rt_cuda_launch *launch_of(const struct rt_cuda_plan *plan, const char *entry, int index)
{
    for (int i = 0; i < plan->launch_count; i++)
        if (!strcmp(plan->launches[i].kernel.entry, entry) && !index--)
            return &plan->launches[i];
    return NULL;
}

/* Parts of a sum in which a product leaves its result; 1: none. */
static double parts_of(const struct rt_cuda_plan *plan, const char *entry, int index)
{
    const struct rt_cuda_launch *launch = launch_of(plan, entry, index);

    assert_non_null(launch);
    return (double)strtol(strstr(launch->kernel.options, "RT_SPLITS=") + strlen("RT_SPLITS="), NULL, 10);
}

/* Floats of partial sums: written and read. */
static double sums(double parts, double results)
{
    return parts > 1 ? 2 * parts * results : 0;
}

/* MLP1's step, by hand: 2352 inputs, 512 hidden units, 10 classes, a batch of 4. */
static void test_bytes(void **state)
{
    const double B = 4, P = 2352, H = 512, C = 10;
    struct rt_graph graph = {0};
    struct rt_cuda_plan *plan;
    struct rt_step_work work;
    double floats;

    (void)state;
    assert_int_equal(rt_test_model(&graph, "MLP1", NULL), RT_OK);
    plan = plan_of(&graph, true, RT_PRECISION_FP32);
    floats = B * P; /* gathered */
    floats += B * P + P * H + H + B * H + sums(parts_of(plan, "conv_forward", 0), B * H);
    floats += B * H + H * C + C + B * C + sums(parts_of(plan, "conv_forward", 1), B * C);
    floats += 2 * B * C; /* loss and its gradient */
    floats += B * C + H * C + 2 * B * H + sums(parts_of(plan, "conv_input_gradient", 0), B * H); /* and ReLU */
    floats += B * H + B * C + 4 * (H * C + C); /* weights and momentum, read and written */
    floats += B * P + B * H + 4 * (P * H + H);
    assert_true(parts_of(plan, "conv_weight_gradient", 0) == 1 &&
                parts_of(plan, "conv_weight_gradient", 2) == 1);
    assert_true(rt_plan_step_work(&plan->base, &work));
    assert_true(work.bytes == B * P + 4 * floats); /* images are bytes */
    free_plan(plan);

    plan = plan_of(&graph, false, RT_PRECISION_FP32);
    assert_false(rt_plan_step_work(&plan->base, &work)); /* it has no training step */
    free_plan(plan);
    rt_graph_free(&graph);
}

static double bytes_of(const struct rt_cuda_plan *plan, const char *entry, int index)
{
    const struct rt_cuda_launch *launch = launch_of(plan, entry, index);
    double bytes = 0;

    assert_non_null(launch);
    assert_true(rt_cuda_launch_bytes(plan, launch, &bytes));
    return bytes;
}

/* Kernels that add to what is there, or keep something for the backward pass. */
static void test_kernels(void **state)
{
    const double image = 4 * 16 * 6 * 6, half = 4 * 16 * 3 * 3; /* values of maps in a batch of 4 */
    struct rt_graph graph = {0};
    struct rt_cuda_plan *plan;

    (void)state;
    assert_int_equal(rt_test_network(&graph, (struct rt_shape){3, 6, 6}, network, NULL), RT_OK);
    plan = plan_of(&graph, true, RT_PRECISION_FP32);
    assert_true(bytes_of(plan, "gather", 0) == 4 * 6 * 6 * (3 + 4 * 4)); /* four channels, one of them empty */
    assert_true(bytes_of(plan, "max_pool", 0) == 4 * (image + half) + half);
    assert_true(bytes_of(plan, "max_pool_gradient", 0) == 4 * (image + half) + half);
    assert_true(bytes_of(plan, "lrn", 0) == 4 * 3 * half);
    assert_true(bytes_of(plan, "add", 0) == 4 * 3 * half);
    assert_true(bytes_of(plan, "dropout", 0) == 4 * 2 * 2 * half); /* of the concatenation */
    free_plan(plan);
    rt_graph_free(&graph);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_launches),
        cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_kernels),
    };
    int failed;

    setenv("RT_FAKE_CUDA_DRY", "1", 1);
    if (rt_device_open(&device, &rt_engine_cuda, &(struct rt_device_options){0}, NULL))
        return 1;
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    rt_device_close(&device);
    return failed;
}
