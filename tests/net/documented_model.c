/* The model of docs/adding-a-model.md, built from that page: it compiles, has PyTorch's parameters, and trains.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/memory.h"
#include "engine/engine.h"
#include "net/models.h"
#include "support/plans.h"

extern const struct rt_model rt_model_resnet20;

static void test_documented_model(void **state)
{
    enum { BATCH = 4 };
    const struct rt_model_options options = {.batch_norm = true};
    const struct rt_update sgd = {.learning_rate = 0.01, .momentum = 0.9};
    const uint8_t labels[BATCH] = {1, 2, 3, 4};
    struct rt_step first = {0}, last = {0};
    struct rt_graph graph;
    struct rt_plan *plan = NULL;
    struct rt_error err = {0};
    float *images;

    (void)state;
    if (rt_model_build(&graph, &rt_model_resnet20, &options, &err))
        fail_msg("%s", err.message);
    assert_int_equal(rt_graph_parameter_count(&graph), 272474);
    assert_int_equal(rt_test_plan_create(&plan, rt_engines[0], &graph,
                                         &(struct rt_plan_options){.batch_max = BATCH, .training = true}, &err),
                     RT_OK);
    assert_int_equal(rt_plan_initialize(plan, 42, &err), RT_OK);
    assert_int_equal(rt_alloc(&images, BATCH * 3 * 28 * 28, sizeof *images, "images", &err), RT_OK);
    for (int i = 0; i < BATCH * 3 * 28 * 28; i++)
        images[i] = (float)(i * 7 % 100) / 50 - 1;
    for (uint64_t step = 0; step < 10; step++) {
        const struct rt_test_batch batch = {images, labels, BATCH, step};

        last = (struct rt_step){0};
        rt_test_train(plan, &batch, &sgd, step ? &last : &first);
    }
    assert_true(last.loss_sum < first.loss_sum);
    rt_free(&images);
    rt_test_plan_free(&plan);
    rt_graph_free(&graph);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_documented_model)};

    return cmocka_run_group_tests_name("net/documented_model", tests, NULL, NULL);
}
