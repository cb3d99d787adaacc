/* What theorem 1 does where images share a projection, and sums of hinges in double-double. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "theory/hinges.h"
#include "theory/theorem1.h"

static struct rt_theorem1_ties ties_of(const uint8_t *pixels, const uint8_t *labels, size_t count)
{
    static const double a[2] = {1, 1};
    const struct rt_theorem1_images images = {pixels, labels, count, 2};
    struct rt_theorem1_point points[8];
    struct rt_theorem1_ties ties;
    double z[8];

    rt_theorem1_project(z, &images, a, NULL);
    rt_theorem1_sort(points, z, count);
    rt_theorem1_find_ties(&ties, &images, points);
    return ties;
}

static void test_different_images_that_collide(void **state)
{
    const struct rt_theorem1_ties ties =
        ties_of((const uint8_t[]){1, 2, 5, 5, 2, 1}, (const uint8_t[]){0, 0, 0}, 3);

    (void)state;
    assert_true(ties.collision);
    assert_false(ties.contradiction);
    assert_int_equal(ties.copies, 0);
}

static void test_copies_and_the_first_contradiction(void **state)
{
    /* 1 and 3 are copies of 0; 4 contradicts 2, and 5 contradicts 0, later */
    const struct rt_theorem1_ties ties =
        ties_of((const uint8_t[]){1, 2, 1, 2, 9, 9, 1, 2, 9, 9, 1, 2}, (const uint8_t[]){4, 4, 7, 4, 6, 3}, 6);

    (void)state;
    assert_false(ties.collision);
    assert_true(ties.contradiction);
    assert_int_equal(ties.copies, 2);
    assert_int_equal(ties.earlier, 2);
    assert_int_equal(ties.later, 4);
}

/* Large terms that cancel to a small one in the lowest bits, in the lanes and in the rest behind them. */
static void test_hinges_cancel(void **state)
{
    enum { UNITS = 21 };
    double w[UNITS] = {0}, low[UNITS] = {0}, b[UNITS] = {0};

    (void)state;
    for (int shift = 0; shift + 9 < UNITS; shift++) {
        for (int i = 0; i < UNITS; i++)
            w[i] = low[i] = 0;
        w[shift] = 0x1p60 + 0x1p8;
        low[shift] = 0x1p-40;
        w[shift + 8] = -0x1p60;
        w[shift + 9] = -0x1p8;
        const struct rt_dd sum = rt_hinges_sum_dd(w, low, b, UNITS, 1 + 0x1p-50);
        assert_true(fabs(sum.high / (0x1p-40 * (1 + 0x1p-50)) - 1) < 0x1p-50);
    }
}

static void test_units_that_are_off(void **state)
{
    const double w[9] = {1, 2, 4, 8, 16, 32, 64, 128, 256}, low[9] = {0}, b[9] = {5, 0, 5, 0, 5, 0, 0, 5, 3};

    (void)state;
    assert_true(rt_hinges_sum(w, b, 9, 3) == 3 * (2 + 8 + 32 + 64));
    assert_true(rt_hinges_sum_dd(w, low, b, 9, 3).high == 3 * (2 + 8 + 32 + 64));
    assert_true(rt_hinges_sum(w, b, 9, 3.5) == 3.5 * (2 + 8 + 32 + 64) + 128);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_different_images_that_collide),
        cmocka_unit_test(test_copies_and_the_first_contradiction),
        cmocka_unit_test(test_hinges_cancel),
        cmocka_unit_test(test_units_that_are_off),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
