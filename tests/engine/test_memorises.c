/* A few hundred random images with random labels are memorised: the paper's experiment in small. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/memory.h"
#include "support/engines.h"
#include "support/network.h"

static void check_memorises(const struct rt_engine *engine)
{
    enum { IMAGES = 256, EACH = 64, SIZE = 3 * 28 * 28 };
    const struct rt_update sgd = {.learning_rate = 0.02, .momentum = 0.9};
    const struct rt_plan_options options = {.batch_max = EACH, .training = true};
    struct rt_test_buffer x = rt_test_buffer(engine, IMAGES * SIZE);
    struct rt_step epoch = {0};
    struct rt_plan *plan = NULL;
    struct rt_graph graph;
    struct rt_error err = {0};
    uint8_t random_labels[IMAGES];
    double *values;

    assert_int_equal(rt_alloc(&values, IMAGES * SIZE, sizeof *values, "images", &err), RT_OK);
    rt_test_fill(5, values, IMAGES * SIZE);
    rt_test_buffer_set(&x, values);
    for (int i = 0; i < IMAGES; i++)
        random_labels[i] = (uint8_t)(5 * (values[i] + 1));
    assert_int_equal(rt_test_model(&graph, "MLP1", &err), RT_OK);
    assert_int_equal(rt_test_plan_create(&plan, engine, &graph, &options, &err), RT_OK);
    assert_int_equal(rt_plan_initialize(plan, 42, &err), RT_OK);
    for (uint64_t step = 0; step < 20 * IMAGES / EACH; step++) {
        const size_t at = step % (IMAGES / EACH) * EACH;

        if (at == 0)
            epoch = (struct rt_step){0};
        rt_test_train(plan,
                      &(struct rt_test_batch){(char *)x.values + at * SIZE * engine->real_size,
                                              random_labels + at, EACH, step},
                      &sgd, &epoch);
    }
    print_message("# %s: after 20 epochs, loss %.4f, %ld of %d right\n", engine->name, epoch.loss_sum / IMAGES,
                  epoch.correct, IMAGES);
    assert_int_equal(epoch.correct, IMAGES);
    assert_true(epoch.loss_sum / IMAGES < 0.05);
    rt_test_plan_free(&plan);
    rt_graph_free(&graph);
    rt_test_buffer_free(&x);
    rt_free(&values);
}

static void test_memorises(void **state)
{
    (void)state;
    for (size_t i = 0; rt_test_engines()[i]; i++)
        check_memorises(rt_test_engines()[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memorises),
    };

    return cmocka_run_group_tests_name("engine/memorises", tests, NULL, NULL);
}
