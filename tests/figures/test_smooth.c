/* The Savitzky-Golay filter against independent numbers. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "figures/smooth.h"

static const double noisy[] = {2.31, 2.05, 1.71, 1.66, 1.50, 1.12, 1.31,
                               0.95, 0.90, 0.52, 0.61, 0.40, 0.02, 0.05};

enum { COUNT = sizeof noisy / sizeof noisy[0] };

/* Made by a least-squares fit (numpy's polyfit) to each window by itself, the edges as scipy's mode "interp".
 */
static const struct {
    int window, order;
    double want[COUNT];
} golden[] = {
    {7,
     3, /* ordinary */
     {2.294523809524, 2.051190476190, 1.804761904762, 1.578571428571, 1.440000000000, 1.300476190476,
      1.163333333333, 0.981428571429, 0.849523809524, 0.670952380952, 0.502380952381, 0.319761904762,
      0.149047619048, 0.006904761905}},
    {5,
     2, /* an even order */
     {2.318000000000, 2.012000000000, 1.776000000000, 1.635142857143, 1.422857142857, 1.283714285714,
      1.140285714286, 1.078571428571, 0.776571428571, 0.654571428571, 0.532857142857, 0.361428571429,
      0.187714285714, -0.027428571429}},
    {13,
     3, /* almost all points are edges */
     {2.304313186813, 2.029890109890, 1.798286713287, 1.601478521479, 1.431441058941, 1.280149850150,
      1.139580419580, 0.982027972028, 0.828991008991, 0.673736263736, 0.513676323676, 0.346223776224,
      0.168791208791, -0.021208791209}},
};

static void test_golden(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof golden / sizeof golden[0]; i++) {
        double got[COUNT];
        assert_int_equal(rt_savgol(noisy, COUNT, golden[i].window, golden[i].order, got, NULL), 0);
        for (int k = 0; k < COUNT; k++)
            assert_true(fabs(got[k] - golden[i].want[k]) <= 1e-11);
    }
}

/* The published weights: 7 points, cubic: (-2 3 6 7 6 3 -2) / 21; 9 points: (-21 14 39 54 59 54 39 14 -21) /
 * 231. */
static void test_textbook_weights(void **state)
{
    (void)state;
    static const double seven[] = {-2, 3, 6, 7, 6, 3, -2}, nine[] = {-21, 14, 39, 54, 59, 54, 39, 14, -21};
    double impulse[17] = {0}, got[17];
    impulse[8] = 1;
    assert_int_equal(rt_savgol(impulse, 17, 7, 3, got, NULL), 0);
    for (int k = 0; k < 7; k++)
        assert_true(fabs(got[5 + k] - seven[k] / 21) <= 1e-14);
    assert_int_equal(rt_savgol(impulse, 17, 9, 3, got, NULL), 0);
    for (int k = 0; k < 9; k++)
        assert_true(fabs(got[4 + k] - nine[k] / 231) <= 1e-14);
}

static void test_cubic_stays(void **state)
{
    (void)state;
    double y[60], got[60];
    for (int i = 0; i < 60; i++)
        y[i] = 1 - 0.2 * i + 0.03 * i * i - 0.0004 * i * i * i;
    assert_int_equal(rt_savgol(y, 60, RT_SMOOTH_WINDOW, RT_SMOOTH_ORDER, got, NULL), 0);
    for (int i = 0; i < 60; i++)
        assert_true(fabs(got[i] - y[i]) <= 1e-10);
}

static void test_refusals(void **state)
{
    (void)state;
    double got[COUNT];
    assert_int_equal(rt_savgol(noisy, COUNT, 6, 3, got, NULL), RT_EUSAGE);  /* even: not centred */
    assert_int_equal(rt_savgol(noisy, COUNT, 15, 3, got, NULL), RT_EUSAGE); /* wider than the series */
    assert_int_equal(rt_savgol(noisy, COUNT, 3, 3, got, NULL),
                     RT_EUSAGE); /* no more points than coefficients */
    assert_int_equal(rt_savgol(noisy, COUNT, -5, 3, got, NULL), RT_EUSAGE);
}

static void test_drawn_curve_stays_in_range(void **state)
{
    (void)state;
    double loss[80], got[80], plain[80], lowest = 1;
    for (int i = 0; i < 80; i++)
        loss[i] = i < 40 ? 2.3 : 0.004; /* the fall at a drop of the rate: the filter alone undershoots */
    assert_int_equal(rt_savgol(loss, 80, 21, 3, plain, NULL), 0);
    assert_int_equal(rt_smooth(loss, 80, 21, got, NULL), 0);
    for (int i = 0; i < 80; i++) {
        lowest = fmin(lowest, plain[i]);
        assert_true(got[i] >= 0.004 && got[i] <= 2.3);
    }
    assert_true(lowest < 0); /* else this row guards nothing */
}

static void test_short_series(void **state)
{
    (void)state;
    double got[COUNT], seven[7];
    assert_int_equal(rt_smooth(noisy, 4, 21, got, NULL), 0); /* fewer than order + 2: copied */
    for (int i = 0; i < 4; i++)
        assert_true(got[i] == noisy[i]);
    assert_int_equal(rt_smooth(noisy, 8, 21, got, NULL), 0); /* even length: the largest odd window, 7 */
    assert_int_equal(rt_savgol(noisy, 7, 7, 3, seven, NULL), 0);
    assert_true(fabs(got[3] - seven[3]) <= 1e-12);
    assert_int_equal(rt_smooth(noisy, 0, 21, got, NULL), 0);    /* empty */
    assert_int_equal(rt_smooth(noisy, COUNT, 0, got, NULL), 0); /* 0: as logged */
    assert_true(got[5] == noisy[5]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden),
        cmocka_unit_test(test_textbook_weights),
        cmocka_unit_test(test_cubic_stays),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_drawn_curve_stays_in_range),
        cmocka_unit_test(test_short_series),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
