/* The CUDA engine's memory: buffers that share a place are never in use at once, whatever order the branches of
 * a step's graph run in; and a step finds in a buffer only what it put there itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "engine/cuda/cuda.h"
#include "support/network.h"

enum { IMAGES = 5, SIDE = 6, PIXELS = 3 * SIDE * SIDE, BATCH = 3 };

#include "engine/cuda_images.h"

static const char *const models[] = {"MLP1", "MLP3", "AlexNet", "Inception", "InceptionNoBN", "WRN"};

/* Every op; parts of concatenations and sums; gradients that are others'. */
static const char network[] =
    "conv 16 3 1 1 0; bn 1e-5; relu; max_pool 3 2 1; lrn 5 1e-4 0.75 2; conv 16 3 1 1 0; add @5 @6; "
    "conv 16 1 1 0 0 @5; concat @7 @8; dropout 0.2; conv 8 3 1 1 1; relu; conv 6 1 1 0 1 @10; relu; "
    "concat @12 @14; "
    "avg_pool 2; flatten; linear 8; relu; linear 4; loss";

/* ---- who may share ---- */

static bool has(const struct rt_cuda_launch *launch, int buffer)
{
    for (int k = 0; k < launch->argument_count; k++)
        if (launch->arguments[k].buffer == buffer + 1)
            return true;
    return false;
}

/* Whether launch i has ended when j begins: each branch keeps its order, and the one aside waits for all of the
 * other that come before, but is waited for only at the end. */
static bool ordered(const struct rt_cuda_plan *plan, int i, int j)
{
    return i < j && (!plan->launches[i].side || plan->launches[j].side);
}

/* Whether all launches with buffer a have ended when those with b begin. */
static bool before(const struct rt_cuda_plan *plan, int a, int b)
{
    for (int i = 0; i < plan->launch_count; i++)
        for (int j = 0; j < plan->launch_count && has(&plan->launches[i], a); j++)
            if (has(&plan->launches[j], b) && !ordered(plan, i, j))
                return false;
    return true;
}

/* Each branch has a workspace of its own: within one, launches follow one another. */
static void check_scratch(const struct rt_cuda_plan *plan, const char *what)
{
    const size_t *at = plan->scratch, *bytes = plan->scratch_bytes;

    if (at[0] < at[1] + bytes[1] && at[1] < at[0] + bytes[0])
        fail_msg("%s: the branches' workspaces overlap", what);
    for (int i = 0; i < plan->launch_count; i++)
        for (int k = 0; k < plan->launches[i].argument_count; k++) {
            const struct rt_cuda_argument *a = &plan->launches[i].arguments[k];

            if (a->scratch && a->value != plan->memory + at[plan->launches[i].side])
                fail_msg("%s: launch %d has the other branch's workspace", what, i);
        }
}

static void check_places(const struct rt_cuda_plan *plan, const char *what)
{
    size_t reserved = 0;

    for (int a = 0; a < plan->buffer_count; a++) {
        const struct rt_cuda_buffer *x = &plan->buffers[a];

        if (x->last < 0)
            continue;
        reserved += x->bytes;
        if (x->place < plan->buffers[0].reserved || x->place + x->bytes > plan->bytes)
            fail_msg("%s: buffer %d lies outside", what, a);
        for (int b = a + 1; b < plan->buffer_count; b++) {
            const struct rt_cuda_buffer *y = &plan->buffers[b];

            if (y->last >= 0 && x->place < y->place + y->bytes && y->place < x->place + x->bytes &&
                !before(plan, a, b) && !before(plan, b, a))
                fail_msg("%s: buffers %d and %d share a place and are in use at once", what, a, b);
        }
    }
    assert_true(reserved > 0);
    if (getenv("RT_TEST_SHOW"))
        printf("# %s: %zu KiB in place of %zu, and %zu of scratch\n", what,
               (plan->scratch[0] - plan->buffers[0].reserved) >> 10, reserved >> 10,
               (plan->bytes - plan->scratch[0]) >> 10);
}

static void check_model(struct rt_device *device, const char *model, bool training)
{
    const struct rt_plan_options options = {
        .batch_max = 4, .training = training, .precision = RT_PRECISION_TF32};
    struct rt_graph graph = {0};
    struct rt_plan *plan = NULL;
    struct rt_error err = {0};
    char what[64];

    snprintf(what, sizeof what, "%s, %s", model, training ? "training" : "evaluation");
    if (rt_test_model(&graph, model, &err) || rt_plan_create(&plan, device, &graph, &options, &err))
        fail_msg("%s: %s", what, err.message);
    check_places((const struct rt_cuda_plan *)plan, what);
    check_scratch((const struct rt_cuda_plan *)plan, what);
    rt_plan_free(&plan);
    rt_graph_free(&graph);
}

/* On plans that are made but not run. */
static void test_places(void **state)
{
    struct rt_device *device = NULL;

    (void)state;
    setenv("RT_FAKE_CUDA_DRY", "1", 1);
    assert_int_equal(rt_device_open(&device, &rt_engine_cuda, &(struct rt_device_options){0}, NULL), RT_OK);
    for (size_t i = 0; i < sizeof models / sizeof *models; i++)
        for (int training = 0; training < 2; training++)
            check_model(device, models[i], training);
    rt_device_close(&device);
    unsetenv("RT_FAKE_CUDA_DRY");
}

/* ---- what a step finds ---- */

/* NaN in the buffers whose life begins with this launch, before it, or ends with it, behind it. */
static void poison(const struct rt_cuda_plan *plan, int launch, bool begins)
{
    for (int b = 0; b < plan->buffer_count; b++) {
        const struct rt_cuda_buffer *buffer = &plan->buffers[b];

        if (buffer->last >= 0 && launch == (begins ? buffer->first : buffer->last))
            memset((void *)(uintptr_t)(plan->memory + buffer->place), 0xff, buffer->bytes);
    }
}

static void begin(struct rt_plan *plan, struct rt_store *store)
{
    const struct rt_pass pass = {.kind = RT_PASS_TRAIN,
                                 .store = store,
                                 .count = IMAGES,
                                 .batch_size = BATCH,
                                 .update = {.learning_rate = 0.01, .momentum = 0.9, .weight_decay = 5e-4}};
    struct rt_error err = {0};

    if (rt_plan_begin(plan, &pass, &err))
        fail_msg("%s", err.message);
}

/* A step as the engine does it, but launch by launch, with poison between. */
static void step_poisoned(struct rt_cuda_plan *plan)
{
    const unsigned modes =
        RT_CUDA_GATHERS | RT_CUDA_TRAINS | RT_CUDA_TRAINING_LOSS | RT_CUDA_BACKWARD | RT_CUDA_UPDATES;
    struct rt_cuda_launch *const all = plan->launches;
    const int count = plan->launch_count;

    for (int i = 0; i < count; i++) {
        poison(plan, i, true);
        plan->launches = all + i;
        plan->launch_count = 1;
        assert_int_equal(rt_cuda_launch_all(plan, modes, false, NULL), RT_OK);
        plan->launches = all;
        plan->launch_count = count;
        poison(plan, i, false);
    }
    poison(plan, count, false);
}

/* A pass of two batches, the last one short; the tensors it leaves. */
static void train(struct rt_device *device, enum rt_precision precision, bool poisoned, float *values,
                  size_t room)
{
    struct rt_plan_options options = {
        .batch_max = BATCH, .pass_max = IMAGES, .training = true, .seed = 5, .precision = precision};
    struct rt_store *store = NULL;
    struct rt_graph graph = {0};
    struct rt_plan *plan = NULL;
    struct rt_step step = {0};
    struct rt_error err = {0};
    size_t at = 0;

    if (rt_store_create(&store, device, &dataset, &err) ||
        rt_test_network(&graph, (struct rt_shape){3, SIDE, SIDE}, network, &err) ||
        rt_plan_create(&plan, device, &graph, &options, &err) || rt_plan_initialize(plan, 1, &err))
        fail_msg("%s", err.message);
    begin(plan, store);
    if (poisoned) {
        for (int i = 0; i < 2; i++)
            step_poisoned((struct rt_cuda_plan *)plan);
    } else {
        rt_plan_advance(plan, 2);
        while (rt_plan_in_flight(plan))
            assert_int_equal(rt_plan_collect(plan, &step, NULL, &err), RT_OK);
    }
    memset(values, 0, room * sizeof *values);
    for (int i = 0; i < graph.tensor_count; i++) {
        assert_true(at + graph.tensors[i].count <= room);
        assert_int_equal(rt_plan_read(plan, RT_STATE_TENSOR, i, values + at, &err), RT_OK);
        at += graph.tensors[i].count;
    }
    rt_plan_free(&plan);
    rt_graph_free(&graph);
    rt_store_free(&store);
}

static void test_poison(void **state)
{
    enum { ROOM = 20000 };
    static float want[ROOM], got[ROOM];
    struct rt_device *device = NULL;

    (void)state;
    assert_int_equal(rt_device_open(&device, &rt_engine_cuda, &(struct rt_device_options){0}, NULL), RT_OK);
    for (int tf32 = 0; tf32 < 2; tf32++) {
        const enum rt_precision precision = tf32 ? RT_PRECISION_TF32 : RT_PRECISION_FP32;

        train(device, precision, false, want, ROOM);
        train(device, precision, true, got, ROOM);
        assert_memory_equal(want, got, sizeof want);
        for (size_t i = 0; i < ROOM; i++)
            assert_true(want[i] == want[i]);
    }
    rt_device_close(&device);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_places), cmocka_unit_test(test_poison)};

    if (!prepare())
        return 0;
    return cmocka_run_group_tests_name("engine/cuda_memory", tests, NULL, NULL);
}
