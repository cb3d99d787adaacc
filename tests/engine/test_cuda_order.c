/* The two branches of the CUDA engine's graphs (activations' gradients; gradients of weights aside of them): in
 * whatever order kernels run that do not wait for one another, a run has the same bytes. The fake driver
 * (fake_cuda.c) runs them in several, the two extremes among them: each kernel aside as early, and as late, as
 * it can; and a kernel's blocks, and a block's threads between two barriers, forwards and backwards. */
#include <dlfcn.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "engine/engine.h"
#include "support/network.h"

enum { IMAGES = 19, SIDE = 6, PIXELS = 3 * SIDE * SIDE, BATCH = 2, ORDERS = 5 };

#include "engine/cuda_images.h"

static void (*set_order)(long which);

/* Eight steps of a graph of several, and a short last batch. Gradients that several kernels complete, that lie
 * inside others' and that are others'. */
static const char *const networks[] = {
    "conv 16 3 1 1 1; bn 1e-5; relu; max_pool 3 2 1; lrn 5 1e-4 0.75 2; conv 16 3 1 1 0; add @5 @6; "
    "conv 16 1 1 0 0 @5; concat @7 @8; dropout 0.2; avg_pool 2; flatten; linear 4; loss",
    /* Inception's modules, with and without batch norm */
    "conv 16 3 1 1 0; bn 1e-5; relu; conv 8 1 1 0 0; bn 1e-5; relu; conv 12 3 1 1 0 @3; bn 1e-5; relu; "
    "concat @6 @9; conv 8 3 2 1 0; bn 1e-5; relu; max_pool 3 2 1 @10; concat @13 @14; avg_pool 1; flatten; "
    "linear 4; loss",
    "conv 16 3 1 1 1; relu; conv 8 1 1 0 1; relu; conv 12 3 1 1 1 @2; relu; concat @4 @6; conv 8 3 2 1 1; "
    "relu; max_pool 3 2 1 @7; concat @9 @10; conv 8 3 1 1 1; relu; conv 6 1 1 0 1 @11; relu; concat @13 @15; "
    "avg_pool 1; flatten; linear 8; relu; linear 4; loss",
    /* WRN's blocks: with a convolution beside, and with the sum itself */
    "conv 16 3 1 1 0; bn 1e-5; relu; conv 16 3 1 1 0; bn 1e-5; relu; conv 16 3 1 1 0; conv 16 1 1 0 0 @3; "
    "add @7 @8; bn 1e-5; relu; conv 16 3 1 1 0; bn 1e-5; relu; conv 16 3 1 1 0; add @9 @15; bn 1e-5; relu; "
    "avg_pool 1; flatten; linear 4; loss",
};

/* What a run leaves: the metrics of each batch and all tensors. */
struct outcome {
    struct rt_step steps[2 * IMAGES];
    int step_count;
    float *values;
    size_t count;
};

static void run_pass(struct rt_plan *plan, struct rt_store *store, enum rt_pass_kind kind,
                     struct outcome *outcome)
{
    const struct rt_pass pass = {.kind = kind,
                                 .store = store,
                                 .count = IMAGES,
                                 .batch_size = BATCH,
                                 .update = {.learning_rate = 0.01, .momentum = 0.9, .weight_decay = 5e-4}};
    struct rt_error err = {0};

    if (rt_plan_begin(plan, &pass, &err))
        fail_msg("%s", err.message);
    rt_plan_advance(plan, (IMAGES + BATCH - 1) / BATCH);
    while (rt_plan_in_flight(plan))
        if (rt_plan_collect(plan, &outcome->steps[outcome->step_count++], NULL, &err))
            fail_msg("%s", err.message);
}

static void read_tensors(struct rt_plan *plan, struct outcome *outcome)
{
    const struct rt_graph *graph = plan->graph;
    struct rt_error err = {0};

    for (int i = 0; i < graph->tensor_count; i++) {
        const struct rt_tensor *t = &graph->tensors[i];

        if (t->role == RT_TENSOR_BATCHES)
            continue;
        assert_int_equal(rt_realloc(&outcome->values, outcome->count + t->count, sizeof(float), "values", &err),
                         RT_OK);
        assert_int_equal(rt_plan_read(plan, RT_STATE_TENSOR, i, outcome->values + outcome->count, &err), RT_OK);
        outcome->count += t->count;
    }
}

static void train(const char *network, enum rt_precision precision, long order, struct outcome *outcome)
{
    struct rt_plan_options options = {
        .batch_max = BATCH, .pass_max = IMAGES, .training = true, .seed = 5, .precision = precision};
    static struct rt_device *device; /* kernels are loaded once */
    struct rt_store *store = NULL;
    struct rt_graph graph = {0};
    struct rt_plan *plan = NULL;
    struct rt_error err = {0};

    *outcome = (struct outcome){0};
    set_order(order);
    if ((!device && rt_device_open(&device, &rt_engine_cuda, &(struct rt_device_options){0}, &err)) ||
        rt_store_create(&store, device, &dataset, &err) ||
        rt_test_network(&graph, (struct rt_shape){3, SIDE, SIDE}, network, &err) ||
        rt_plan_create(&plan, device, &graph, &options, &err) || rt_plan_initialize(plan, 1, &err))
        fail_msg("%s: %s", network, err.message);
    run_pass(plan, store, RT_PASS_TRAIN, outcome);
    run_pass(plan, store, RT_PASS_EVALUATE, outcome);
    read_tensors(plan, outcome);
    rt_plan_free(&plan);
    rt_graph_free(&graph);
    rt_store_free(&store);
}

static void check_orders(enum rt_precision precision)
{
    for (size_t n = 0; n < sizeof networks / sizeof *networks; n++) {
        struct outcome first, other;

        train(networks[n], precision, 0, &first);
        for (long order = 1; order < ORDERS; order++) {
            train(networks[n], precision, order, &other);
            if (first.step_count != other.step_count || first.count != other.count ||
                !rt_test_same_bytes(first.steps, other.steps, sizeof first.steps) ||
                memcmp(first.values, other.values, first.count * sizeof(float)) != 0)
                fail_msg("network %zu: other bytes in order %ld", n, order);
            rt_free(&other.values);
        }
        for (size_t i = 0; i < first.count; i++)
            assert_true(first.values[i] == first.values[i]);
        rt_free(&first.values);
    }
}

static void test_orders_fp32(void **state)
{
    (void)state;
    check_orders(RT_PRECISION_FP32);
}

static void test_orders_tf32(void **state)
{
    (void)state;
    check_orders(RT_PRECISION_TF32);
}

static void test_orders_bf16(void **state)
{
    (void)state;
    check_orders(RT_PRECISION_BF16);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_orders_fp32), cmocka_unit_test(test_orders_tf32),
                                       cmocka_unit_test(test_orders_bf16)};
    void *const fake = prepare();

    if (!fake)
        return 0;
    *(void **)&set_order = dlsym(fake, "rt_fake_cuda_order");
    return cmocka_run_group_tests_name("engine/cuda_order", tests, NULL, NULL);
}
