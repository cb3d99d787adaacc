/* Several seeds taken together: which runs belong to an experiment, and the 95 % band. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "figures/group.h"

static void test_members(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int64_t seed;
        bool member;
    } rows[] = {
        {"MLP1_0.1_none", 42, true},
        {"MLP1_0.1_none_seed2", 2, true},
        {"MLP1_0.1_none_seed42", 42, false}, /* the seed of the first: the same run */
        {"MLP1_0.1_none_learning_rate0.1", 7, false},
        {"MLP1_0.1_none_seed", 8, false},   /* no number */
        {"MLP1_0.1_none_seed2x", 9, false}, /* more than a number */
        {"seedMLP1_0.1_none", 10, false},   /* of seed_noseed */
        {"MLP1_0.1_shuff_pix", 11, false},
    };
    enum { COUNT = sizeof rows / sizeof rows[0] };
    static struct rt_record runs[COUNT];
    struct rt_records records = {.runs = runs, .count = COUNT};
    struct rt_group group;
    int members = 0;
    for (int i = 0; i < COUNT; i++) {
        snprintf(runs[i].result.experiment_name, sizeof runs[i].result.experiment_name, "%s", rows[i].name);
        runs[i].result.seed = rows[i].seed;
    }
    rt_records_group(&records, "MLP1_0.1_none", &group);
    for (int i = 0; i < COUNT; i++)
        if (rows[i].member)
            assert_ptr_equal(group.runs[members++], &runs[i]);
    assert_int_equal(group.count, members);
}

/* Student's t at 97.5 %: 12.7062 for 1 degree of freedom, 2.2281 for 10, 2.0860 for 20, 1.9990 for 62 (tables).
 */
static void test_band(void **state)
{
    (void)state;
    static const struct {
        int n;
        double quantile;
    } rows[] = {{2, 12.7062}, {3, 4.3027}, {11, 2.2281}, {12, 2.2010}, {21, 2.0860}, {63, 1.9990}};
    double values[64], mean, half;
    rt_mean_band((const double[]){0.5}, 1, &mean, &half);
    assert_true(mean == 0.5 && half == 0);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const int n = rows[i].n;
        double squares = 0;
        for (int k = 0; k < n; k++) {
            values[k] = 3 + (k - (n - 1) / 2.0);
            squares += (k - (n - 1) / 2.0) * (k - (n - 1) / 2.0);
        }
        rt_mean_band(values, n, &mean, &half);
        assert_true(fabs(mean - 3) <= 1e-12);
        assert_true(fabs(half - rows[i].quantile * sqrt(squares / (n - 1) / n)) <= 2e-4 * half);
    }
}

static struct rt_record *make_run(struct rt_record *run, double *numbers, size_t count, double level)
{
    *run = (struct rt_record){.count = count};
    for (int i = 0; i < RT_COLUMN_COUNT; i++)
        run->columns[i] = numbers + (size_t)i * count;
    for (size_t k = 0; k < count; k++) {
        for (int i = 0; i < RT_COLUMN_COUNT; i++)
            run->columns[i][k] = NAN;
        run->columns[RT_COLUMN_EPOCH][k] = (double)(k + 1) / 2;
        run->columns[RT_COLUMN_train_loss][k] = level;
    }
    return run;
}

static void test_curve_ends_with_the_shortest(void **state)
{
    (void)state;
    static double numbers[2][RT_COLUMN_COUNT * 40];
    struct rt_record runs[2];
    struct rt_group group = {.count = 2};
    struct rt_band band;
    group.runs[0] = make_run(&runs[0], numbers[0], 40, 1);
    group.runs[1] = make_run(&runs[1], numbers[1], 30, 2);
    runs[0].columns[RT_COLUMN_train_loss][0] = NAN; /* not measured in one run: not a common point */
    runs[1].columns[RT_COLUMN_train_loss][0] = NAN;
    assert_int_equal(rt_group_band(&band, &group, RT_COLUMN_EPOCH, RT_COLUMN_train_loss, 21, NULL), 0);
    assert_int_equal(band.count, 29);
    assert_true(band.x[0] == 1 && fabs(band.smooth[10] - 1.5) <= 1e-12 && band.low[10] == 0);
    assert_true(fabs(band.high[10] - (1.5 + 12.7062 * sqrt(0.5 / 2))) <= 1e-3);
    rt_band_free(&band);
    assert_int_equal(rt_group_band(&band, &group, RT_COLUMN_EPOCH, RT_COLUMN_test_acc, 21, NULL), 0);
    assert_int_equal(band.count, 0); /* never measured */
    rt_band_free(&band);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_members), cmocka_unit_test(test_band),
                                       cmocka_unit_test(test_curve_ends_with_the_shortest)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
