/* Several seeds taken together: which runs belong together, and the 95 % band. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/text.h"
#include "config/builtin.h"
#include "figures/choice.h"

/* A finished run of a built-in experiment, with what is set in it. */
static struct rt_record made(const char *name, const char *experiment, const char *setting)
{
    struct rt_record run = {.has_config = true, .has_result = true, .state = "finished"};

    assert_int_equal(rt_experiment_builtin(&run.experiment, experiment, NULL), RT_OK);
    if (setting)
        assert_int_equal(rt_experiment_set(&run.experiment, setting, NULL), RT_OK);
    snprintf(run.name, sizeof run.name, "%s", name);
    snprintf(run.result.provenance.data.name, sizeof run.result.provenance.data.name, "cifar10");
    run.result.epochs = 5;
    return run;
}

static bool is_at_half(const struct rt_record *run, const void *place)
{
    (void)place;
    return run->experiment.label_corruption_prob == 0.5;
}

/* Runs are what their configs say: names do not matter, other keys than the seed make another variant. */
static void test_members(void **state)
{
    (void)state;
    static struct rt_record runs[6];
    runs[0] = made("any name", "MLP1_0.5_none", "seed=1");
    runs[1] = made("MLP1_0.5_none", "MLP1_0.7_none", NULL); /* called as it is not */
    runs[2] = made("rate", "MLP1_0.5_none", "learning_rate=0.02");
    runs[3] = made("second seed", "MLP1_0.5_none", "seed=2");
    runs[4] = made("again", "MLP1_0.5_none", "seed=2"); /* the same run under two names counts once */
    runs[5] = made("cut short", "MLP1_0.5_none", "seed=3");
    runs[5].state = "interrupted";
    const struct rt_records records = {.runs = runs, .count = 6};
    struct rt_figure figure = {.records = &records};
    struct rt_choice choice;
    struct rt_group group;
    struct rt_text text = {0};
    assert_int_equal(rt_choose(&choice, &figure, &records, rt_fits_figure1, "MLP1",
                               "model_name label_corruption_prob", NULL),
                     RT_OK);
    assert_int_equal(choice.variant_count, 2);
    assert_true(choice.variants[0].published && !choice.variants[1].published);
    assert_string_equal(choice.variants[1].label, "learning_rate=0.02");
    assert_int_equal(rt_choice_group(&choice, 0, is_at_half, NULL, &group, NULL), RT_OK);
    assert_int_equal(group.count, 2);
    assert_ptr_equal(group.runs[0], &runs[0]);
    assert_ptr_equal(group.runs[1], &runs[3]);
    rt_left_outs_append(&figure.left_out, 9, &text);
    assert_string_equal(
        rt_text_string(&text),
        "2 runs left out: again (the same config and seed as second seed); cut short (interrupted "
        "at epoch 5, beside finished runs)");
    assert_int_equal(rt_choice_group(&choice, 1, is_at_half, NULL, &group, NULL), RT_OK);
    assert_true(group.count == 1 && group.runs[0] == &runs[2]);
    rt_text_free(&text);
    rt_choice_free(&choice);
    rt_figure_free(&figure);
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
        run->columns[RT_COLUMN_BATCHES][k] = (double)(k + 1);
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
