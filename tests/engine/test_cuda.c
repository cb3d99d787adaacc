/* The CUDA engine's host side on the fake driver (fake_cuda.c): each call of the driver and of NVRTC fails
 * once, and every time an error comes out that says what was done, nothing is left behind, and the next try
 * succeeds; a device that is lost stays lost. */
#include <dlfcn.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/engine.h"
#include "support/network.h"

enum { IMAGES = 10, PIXELS = 3 * 4 * 4, BATCH = 4, LOST = 700 };

static void (*fail_call)(const char *name, long k, int code);
static long (*count_calls)(void);

static const char network[] =
    "conv 8 3 1 1 0; bn 1e-5; relu; conv 4 1 1 0 1; relu; max_pool 2 2 0; flatten; linear 4; loss";

static float noise[IMAGES * PIXELS];
static uint8_t labels[IMAGES];
static const struct rt_dataset dataset = {
    .train_count = IMAGES, .channels = 3, .height = 4, .width = 4, .noise = noise, .labels = labels};

struct stand {
    struct rt_device *device;
    struct rt_store *store;
    struct rt_graph graph;
    struct rt_plan *plan;
};

static void close_stand(struct stand *s)
{
    rt_plan_free(&s->plan);
    rt_graph_free(&s->graph);
    rt_store_free(&s->store);
    rt_device_close(&s->device);
}

static bool profiled; /* plans keep the times of their kernels */

static int open_stand(struct stand *s, struct rt_error *err)
{
    const struct rt_plan_options options = {
        .batch_max = BATCH, .pass_max = IMAGES, .training = true, .profile = profiled};

    *s = (struct stand){0};
    RT_TRY(rt_device_open(&s->device, &rt_engine_cuda, &(struct rt_device_options){0}, err));
    RT_TRY(rt_store_create(&s->store, s->device, &dataset, err));
    RT_TRY(rt_test_network(&s->graph, (struct rt_shape){3, 4, 4}, network, err));
    RT_TRY(rt_plan_create(&s->plan, s->device, &s->graph, &options, err));
    return rt_plan_initialize(s->plan, 1, err);
}

static int run_pass(struct stand *s, enum rt_pass_kind kind, struct rt_step *step, struct rt_error *err)
{
    static const uint32_t order[IMAGES] = {9, 8, 7, 6, 5, 4, 3, 2, 1, 0};
    const struct rt_pass pass = {.kind = kind,
                                 .store = s->store,
                                 .order = order,
                                 .count = IMAGES,
                                 .batch_size = BATCH,
                                 .update = {.learning_rate = 0.01}};

    RT_TRY(rt_plan_begin(s->plan, &pass, err));
    rt_plan_advance(s->plan, 2);
    rt_plan_advance(s->plan, 1);
    while (rt_plan_in_flight(s->plan))
        RT_TRY(rt_plan_collect(s->plan, step, NULL, err));
    return RT_OK;
}

/* All that a run does. */
static int work(struct stand *s, struct rt_error *err)
{
    float values[4 * 16];
    struct rt_step step = {0};

    RT_TRY(open_stand(s, err));
    RT_TRY(run_pass(s, RT_PASS_TRAIN, &step, err));
    RT_TRY(run_pass(s, RT_PASS_EVALUATE, &step, err));
    RT_TRY(rt_plan_read(s->plan, RT_STATE_TENSOR, rt_graph_find_tensor(&s->graph, "s8.weight"), values, err));
    return step.count == 2 * IMAGES ? RT_OK : rt_fail(err, RT_EDATA, "%ld images", step.count);
}

/* Each of the calls of a run fails once: an error, or (where a mere warning is due) the run as it should be. */
static void test_every_call(void **state)
{
    long calls, failures = 0;
    struct rt_error err = {0};
    struct stand s;

    (void)state;
    fail_call("", 0, 0);
    if (work(&s, &err))
        fail_msg("%s", err.message);
    close_stand(&s);
    fail_call("", 0, 0);
    assert_int_equal(work(&s, &err), RT_OK); /* now all is in the cache */
    calls = count_calls();
    close_stand(&s);
    assert_true(calls > 100);
    for (long k = 1; k <= calls; k++) {
        err = (struct rt_error){0};
        fail_call("", k, 999);
        if (work(&s, &err)) {
            failures++;
            if (strncmp(err.message, "cuda: ", 6) != 0 || !strstr(err.message, "cu") ||
                strchr(err.message, '\n'))
                fail_msg("call %ld: %s", k, err.message);
        }
        fail_call("", 0, 0);
        close_stand(&s);
    }
    assert_true(failures > calls * 3 / 4);
    assert_int_equal(work(&s, &err), RT_OK);
    close_stand(&s);
}

static void fail_each_call(void)
{
    struct rt_error err = {0};
    struct stand s;
    long calls;

    fail_call("", 0, 0);
    assert_int_equal(work(&s, &err), RT_OK);
    close_stand(&s);
    fail_call("", 0, 0);
    assert_int_equal(work(&s, &err), RT_OK);
    calls = count_calls();
    close_stand(&s);
    for (long k = calls / 2; k <= calls; k++) { /* the first half is the same without times */
        fail_call("", k, 999);
        if (work(&s, &err) && strncmp(err.message, "cuda: ", 6) != 0)
            fail_msg("call %ld: %s", k, err.message);
        fail_call("", 0, 0);
        close_stand(&s);
    }
}

/* Times by kernel change no result; each launch is timed in every step (0.5 ms by the fake's clock), and
 * products know their multiply-adds. */
static void test_profile(void **state)
{
    const int steps = (IMAGES + BATCH - 1) / BATCH;
    struct rt_step with = {0}, without = {0};
    struct rt_stage_time time;
    struct rt_error err = {0};
    struct stand s;
    int launches = 0, products = 0;

    (void)state;
    fail_call("", 0, 0);
    assert_int_equal(open_stand(&s, &err), RT_OK);
    assert_false(rt_plan_profile(s.plan, 0, &time));
    assert_int_equal(run_pass(&s, RT_PASS_TRAIN, &without, &err), RT_OK);
    close_stand(&s);
    profiled = true;
    assert_int_equal(open_stand(&s, &err), RT_OK);
    assert_int_equal(run_pass(&s, RT_PASS_TRAIN, &with, &err), RT_OK);
    assert_memory_equal(&with.loss_sum, &without.loss_sum, sizeof with.loss_sum);
    for (int i = 0; rt_plan_profile(s.plan, i, &time); i++) {
        const double all = time.forward_s + time.backward_s;

        assert_true(all == 0 ||
                    (all > 0.4999e-3 * steps && all < 0.5001e-3 * steps)); /* == 0: of other passes */
        launches += all > 0;
        if (all > 0 && (!strcmp(time.kernel, "conv_forward") || !strcmp(time.kernel, "conv_weight_gradient"))) {
            assert_true(time.multiply_adds == IMAGES * time.node->op->multiply_adds(&s.graph, time.node));
            assert_true(!strcmp(time.kernel, "conv_forward") ? time.forward_s > 0 : time.backward_s > 0);
            products++;
        }
    }
    assert_int_equal(products, 6);
    assert_true(launches > 12);
    close_stand(&s);
    fail_each_call();
    profiled = false;
}

/* What each call that can fail by itself says. */
static void test_messages(void **state)
{
    static const struct {
        const char *call;
        int code;
        enum rt_status status;
        const char *words;
    } rows[] = {
        {"cuMemAlloc_v2", 2, RT_EMEMORY, "no room for the data set on the device"},
        {"cuLaunchKernel", 719, RT_EDEVICE, "kernel gather of input (node 0): cuLaunchKernel"},
        {"cuGraphLaunch", 719, RT_EDEVICE, "cannot enqueue a step: cuGraphLaunch"},
        {"cuEventSynchronize", LOST, RT_EDEVICE,
         "the device failed in a step: cuEventSynchronize: CUDA_ERROR_ILLEGAL_ADDRESS"},
        {"cuDevicePrimaryCtxRetain", 2, RT_EMEMORY, "cannot open the device"},
        {"cuMemHostAlloc", 2, RT_EMEMORY, "pinned memory"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct rt_error err = {0};
        struct stand s;

        fail_call(rows[i].call, 1, rows[i].code);
        assert_int_equal(work(&s, &err), rows[i].status);
        if (!strstr(err.message, rows[i].words))
            fail_msg("%s: %s", rows[i].call, err.message);
        fail_call("", 0, 0);
        close_stand(&s);
    }
}

/* A lost device: the pass ends with its error, and every later call on the plan repeats it. */
static void test_lost(void **state)
{
    struct rt_step step = {0};
    struct rt_error first = {0}, again = {0};
    float values[4 * 16];
    struct stand s;

    (void)state;
    fail_call("", 0, 0);
    assert_int_equal(open_stand(&s, &first), RT_OK);
    fail_call("cuEventSynchronize", 2, -LOST);
    assert_int_equal(run_pass(&s, RT_PASS_TRAIN, &step, &first), RT_EDEVICE);
    assert_int_equal(rt_plan_read(s.plan, RT_STATE_TENSOR, 0, values, &again), RT_EDEVICE);
    assert_string_equal(first.message, again.message);
    assert_int_equal(run_pass(&s, RT_PASS_TRAIN, &step, &again), RT_EDEVICE);
    fail_call("", 0, 0);
    close_stand(&s);
}

/* Too little memory: how much is needed, how much there is, and what to do. */
static void test_memory(void **state)
{
    struct rt_error err = {0};
    struct stand s;

    (void)state;
    setenv("RT_FAKE_CUDA_MEMORY", "12000", 1);
    assert_int_equal(work(&s, &err), RT_EMEMORY);
    unsetenv("RT_FAKE_CUDA_MEMORY");
    if (!strstr(err.message, "of device memory") || !strstr(err.message, "smaller batch_size"))
        fail_msg("%s", err.message);
    close_stand(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_call), cmocka_unit_test(test_profile),
                                       cmocka_unit_test(test_messages), cmocka_unit_test(test_lost),
                                       cmocka_unit_test(test_memory)};
    void *const fake = dlopen(getenv("RETHINK_CUDA_DRIVER"), RTLD_NOW);

    if (!fake) {
        printf("1..0 # SKIP no fake driver: %s\n", dlerror());
        return 0;
    }
    *(void **)&fail_call = dlsym(fake, "rt_fake_cuda_fail");
    *(void **)&count_calls = dlsym(fake, "rt_fake_cuda_calls");
    for (size_t i = 0; i < sizeof noise / sizeof *noise; i++)
        noise[i] = (float)(i % 7);
    return cmocka_run_group_tests_name("engine/cuda", tests, NULL, NULL);
}
