/* Learning rates of PyTorch's schedulers, and operations counted by hand. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "net/models.h"
#include "train/flops.h"
#include "train/schedule.h"

/* As torch.optim.lr_scheduler gives them: the double that 0.01 * 0.95 * 0.95 ... is, not the nearest to a
 * power. */
static void exponential(void **state)
{
    struct rt_experiment experiment;
    double rate = 0.01;

    (void)state;
    rt_experiment_defaults(&experiment);
    experiment.learning_rate = 0.01;
    experiment.scheduler = RT_SCHEDULER_exponential;
    experiment.lr_decay = 0.95;
    for (int epoch = 1; epoch <= 60; epoch++) {
        assert_true(rt_schedule_rate(&experiment, epoch) == rate);
        rate *= 0.95;
    }
}

static void multi_step(void **state)
{
    static const struct {
        int64_t epoch;
        double rate;
    } rows[] = {
        {1, 0.01},
        {100, 0.01},       /* the milestone's own epoch still has the old rate */
        {101, 0.01 * 0.1}, /* the first after it (step 1100 of the published curves) */
        {200, 0.01 * 0.1},
        {201, 0.01 * 0.1 * 0.1},
        {1000, 0.01 * 0.1 * 0.1},
    };
    struct rt_experiment experiment;

    (void)state;
    rt_experiment_defaults(&experiment);
    experiment.learning_rate = 0.01;
    experiment.scheduler = RT_SCHEDULER_multi_step;
    experiment.milestones[0] = 100;
    experiment.milestones[1] = 200;
    experiment.milestone_count = 2;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_true(rt_schedule_rate(&experiment, rows[i].epoch) == rows[i].rate);
}

static void constant(void **state)
{
    struct rt_experiment experiment;

    (void)state;
    rt_experiment_defaults(&experiment);
    experiment.learning_rate = 0.1;
    experiment.scheduler = RT_SCHEDULER_constant;
    assert_true(rt_schedule_rate(&experiment, 1) == 0.1 && rt_schedule_rate(&experiment, 500) == 0.1);
}

/* GFLOP of a step of 128 images as measured elsewhere: 2 x 3 x multiply-adds, the first layer 2 x 2. */
static void counts_operations(void **state)
{
    static const struct {
        const char *model;
        double gflop;
    } rows[] = {{"MLP1", 0.62}, {"MLP3", 1.02}, {"AlexNet", 33.9}, {"Inception", 156.3}, {"WRN", 36.3}};
    const struct rt_model_options options = {.batch_norm = true};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct rt_graph graph = {0};
        double gflop;

        assert_int_equal(rt_model_build(&graph, rt_model_find(rows[i].model), &options, NULL), 0);
        gflop = rt_flops_training(&graph) * 128 / 1e9;
        if (!(fabs(gflop - rows[i].gflop) <= 0.005 * rows[i].gflop))
            fail_msg("%s: %g GFLOP a step, expected %g", rows[i].model, gflop, rows[i].gflop);
        rt_graph_free(&graph);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exponential),
        cmocka_unit_test(multi_step),
        cmocka_unit_test(constant),
        cmocka_unit_test(counts_operations),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
