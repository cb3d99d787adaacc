/* Dropout on every engine: which values are dropped, and that all drop the same. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "net/dropout.h"
#include "support/engines.h"
#include "support/network.h"

/* Dropout: about `rate` of the values are zero, the rest is scaled; another step, another mask; every engine
 * draws the same mask, and evaluation has none. */
static void test_dropout(void **state)
{
    enum { COUNT = 64 * 40 };
    static double x[COUNT], y[COUNT], first[COUNT];
    struct rt_graph graph;
    struct rt_error err = {0};
    int zeros = 0;

    (void)state;
    for (int i = 0; i < COUNT; i++)
        x[i] = 1;
    assert_int_equal(rt_test_network(&graph, (struct rt_shape){10, 8, 8}, "dropout 0.25", &err), RT_OK);
    for (size_t e = 0; rt_test_engines()[e]; e++) {
        struct rt_plan_options options = {.batch_max = 4, .training = true, .input_gradient = true, .seed = 12};
        struct rt_plan *plan = NULL;

        assert_int_equal(rt_test_plan_create(&plan, rt_test_engines()[e], &graph, &options, &err), RT_OK);
        rt_test_probe(plan, x, 4, y, NULL, NULL);
        if (!e)
            memcpy(first, y, sizeof y);
        assert_memory_equal(first, y, sizeof y);
        rt_test_plan_free(&plan);
        options.training = false;
        assert_int_equal(rt_test_plan_create(&plan, rt_test_engines()[e], &graph, &options, &err), RT_OK);
        rt_test_probe(plan, x, 4, y, NULL, NULL);
        assert_memory_equal(x, y, sizeof y);
        rt_test_plan_free(&plan);
    }
    for (int i = 0; i < COUNT; i++) {
        assert_true(first[i] == 0 || fabs(first[i] - 4.0 / 3) < 1e-6);
        zeros += first[i] == 0;
    }
    assert_true(zeros > COUNT / 4 - 110 && zeros < COUNT / 4 + 110); /* five standard deviations */
    rt_graph_free(&graph);
}

/* The mask is part of what a seed means: these values may never change. */
static void test_dropout_mask(void **state)
{
    const uint64_t key = rt_dropout_key(42, 7, 3);
    uint32_t bits = 0;

    (void)state;
    for (uint64_t i = 0; i < 32; i++)
        bits |= (uint32_t)rt_dropout_keeps(key, i, rt_dropout_threshold(0.5F)) << i;
    assert_true(key == UINT64_C(0xe73b5ec13be9acce));
    assert_int_equal(bits, 0x1d18bd5e);
    assert_true(rt_dropout_key(42, 8, 3) != key && rt_dropout_key(42, 7, 4) != key &&
                rt_dropout_key(43, 7, 3) != key);
    assert_int_equal(rt_dropout_threshold(0), 0); /* keeps all */
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_dropout), cmocka_unit_test(test_dropout_mask)};

    return cmocka_run_group_tests_name("engine/dropout", tests, NULL, NULL);
}
