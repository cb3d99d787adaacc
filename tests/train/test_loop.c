/* The training loop: log points, running means, the threshold's stop, and steps that allocate nothing. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/path.h"
#include "config/builtin.h"
#include "support/scratch.h"
#include "track/metrics.h"
#include "train/flops.h"
#include "train/loop.h"
#include "train/setup.h"

enum { IMAGES = 300, BATCH = 64, BATCHES = 5 /* the last one of 44 */ };

static const char *folder;

struct fixture {
    struct rt_experiment experiment;
    struct rt_setup setup;
    struct rt_batches batches;
    struct rt_recorders *recorders;
    struct rt_run_info info;
    struct rt_loop loop;
    int saves;
};

static int count_save(void *context, struct rt_error *err)
{
    (void)err;
    ((struct fixture *)context)->saves++;
    return RT_OK;
}

static void start(struct fixture *f, const char *assignments[])
{
    static const struct rt_provenance provenance = {
        .data = {.name = "shapes10", .digest = "d", .corruption_digest = "c"}, .engine = "e", .target = "i"};
    struct rt_error err = {0};
    struct rt_loop *loop = &f->loop;

    *f = (struct fixture){0};
    assert_int_equal(rt_experiment_builtin(&f->experiment, "MLP1_0.0_none", NULL), 0);
    for (int i = 0; assignments[i]; i++)
        if (rt_experiment_set(&f->experiment, assignments[i], &err))
            fail_msg("%s", err.message);
    if (rt_dataset_load(&f->setup.dataset, "shapes10", &f->experiment, 2, &err) ||
        rt_setup_network(&f->setup, &f->experiment, NULL, 1, true, &err) ||
        rt_plan_initialize(f->setup.plan, 42, &err) ||
        rt_batches_create(&f->batches, &f->setup.dataset, BATCH, 42, NULL, &err))
        fail_msg("%s", err.message);
    f->info = (struct rt_run_info){.experiment = &f->experiment,
                                   .run_dir = folder,
                                   .provenance = &provenance,
                                   .batches_per_epoch = BATCHES,
                                   .start_epoch = 1,
                                   .verbosity = -1};
    assert_int_equal(rt_recorders_start(&f->recorders, "", &f->info, NULL), 0);
    *loop = (struct rt_loop){.experiment = &f->experiment,
                             .plan = f->setup.plan,
                             .store = f->setup.store,
                             .batches = &f->batches,
                             .evaluator = &f->setup.evaluator,
                             .recorders = f->recorders,
                             .flops_per_image = rt_flops_training(&f->setup.graph),
                             .save = count_save,
                             .context = f};
}

static void finish(struct fixture *f, struct rt_metrics_log *log)
{
    const struct rt_outcome outcome = rt_loop_outcome(&f->loop);

    assert_int_equal(rt_recorders_finish(f->recorders, &outcome, RT_OK, NULL), 0);
    rt_recorders_free(&f->recorders);
    assert_int_equal(rt_metrics_read(log, folder, NULL), 0);
    rt_batches_free(&f->batches);
    rt_setup_free(&f->setup);
}

#define SMALL "train_size=300", "test_size=100", "batch_size=64"

static void logs_every_k_batches_and_the_last(void **state)
{
    static const int batches[] = {0, 2, 4, 0, 2, 4};
    struct rt_metrics_log log;
    struct fixture f;

    (void)state;
    start(&f, (const char *[]){SMALL, "num_epochs=2", "log_every=2", NULL});
    assert_int_equal(rt_loop_run(&f.loop, NULL), 0);
    assert_int_equal(f.loop.progress.epochs, 2);
    assert_int_equal(f.loop.progress.serial, 2 * BATCHES);
    assert_true(rt_loop_flops(&f.loop) == 2.0 * IMAGES * f.loop.flops_per_image);
    finish(&f, &log);
    assert_int_equal(log.count, 6);
    for (size_t i = 0; i < log.count; i++) {
        assert_int_equal(log.points[i].step, i); /* log points, not batches */
        assert_int_equal(log.points[i].epoch, 1 + i / 3);
        assert_int_equal(log.points[i].batch, batches[i]);
        assert_true(isnan(log.points[i].scores.test_acc));
        /* means over the epoch's images so far: a whole number of them is correct */
        const double images = i % 3 == 2 ? IMAGES : BATCH * (batches[i] + 1);
        assert_true(fabs(remainder(log.points[i].scores.train_acc * images, 1)) < 1e-5);
    }
    assert_int_equal(f.saves, 1); /* at the end */
    rt_metrics_free(&log);
}

/* Where a log point falls on the epoch's last batch anyway, it is one, not two. */
static void logs_the_last_batch_once(void **state)
{
    struct rt_metrics_log log;
    struct fixture f;

    (void)state;
    start(&f, (const char *[]){SMALL, "num_epochs=1", "log_every=4", NULL});
    assert_int_equal(rt_loop_run(&f.loop, NULL), 0);
    finish(&f, &log);
    assert_int_equal(log.count, 2);
    rt_metrics_free(&log);
}

/* The published rule: loss below 0.01 or accuracy above 0.997, neither of them equal. */
static void threshold_is_the_published_one(void **state)
{
    static const struct {
        double loss, accuracy;
        bool met;
    } rows[] = {
        {0.01, 0.997, false}, {0.00999, 0.5, true}, {0.01001, 0.5, false}, {0.0104, 0.996, false},
        {1, 0.99701, true},   {1, 0.99699, false},  {1, 0.9969, false},    {NAN, 0.5, false},
        {NAN, NAN, false},    {0, 0, true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rt_threshold_met(rows[i].loss, rows[i].accuracy) != rows[i].met)
            fail_msg("loss %g, accuracy %g", rows[i].loss, rows[i].accuracy);
}

/* Dropping all but a few images makes the threshold come soon. */
#define EASY "train_size=20", "test_size=100", "batch_size=64", "learning_rate=0.1", "num_epochs=400"

static void stops_at_the_threshold(void **state)
{
    struct rt_metrics_log log;
    struct fixture f;

    (void)state;
    start(&f, (const char *[]){EASY, "log_every=50", NULL});
    assert_int_equal(rt_loop_run(&f.loop, NULL), 0);
    assert_true(f.loop.progress.threshold.reached);
    assert_in_range(f.loop.progress.epochs, 2, 399);
    assert_int_equal(f.loop.progress.threshold.epoch, f.loop.progress.epochs);
    assert_true(rt_progress_complete(&f.loop.progress, &f.experiment));
    assert_int_equal(f.saves, 1);
    finish(&f, &log);
    for (size_t i = 0; i < log.count; i++) {
        const struct rt_log_point *point = &log.points[i];
        const bool met = point->scores.train_loss < 0.01 || point->scores.train_acc > 0.997;

        assert_int_equal(met, i + 1 == log.count); /* at the first epoch that meets it */
        assert_int_equal(!isnan(point->scores.test_acc), i + 1 == log.count); /* tested there, and only there */
    }
    rt_metrics_free(&log);
}

static void goes_on_for_the_curve(void **state)
{
    struct rt_metrics_log log;
    struct fixture f;

    (void)state;
    start(&f, (const char *[]){EASY, "num_epochs=60", "curve=true", NULL});
    assert_int_equal(rt_loop_run(&f.loop, NULL), 0);
    assert_int_equal(f.loop.progress.epochs, 60);
    assert_in_range(f.loop.progress.threshold.epoch, 2, 59);
    assert_int_equal(f.saves, 2); /* at the threshold and at the end */
    finish(&f, &log);
    rt_metrics_free(&log);
}

static void tests_at_every_point_in_figure_2(void **state)
{
    struct rt_metrics_log log;
    struct fixture f;
    struct rt_mt generator;

    (void)state;
    start(&f, (const char *[]){SMALL, "num_epochs=2", "log_every=2", "figure1=false", NULL});
    generator = f.batches.generator;
    assert_int_equal(rt_loop_run(&f.loop, NULL), 0);
    /* Each evaluation has drawn once from the loader's generator, beside the epochs' own draws. */
    {
        struct rt_batches twin;

        assert_int_equal(rt_batches_create(&twin, &f.setup.dataset, BATCH, 42, NULL, NULL), 0);
        twin.generator = generator;
        for (int epoch = 1; epoch <= 2; epoch++) {
            rt_batches_begin_epoch(&twin, epoch);
            for (int i = 0; i < 3; i++)
                rt_mt_next64(&twin.generator);
        }
        assert_memory_equal(&twin.generator, &f.batches.generator, sizeof generator);
        rt_batches_free(&twin);
    }
    finish(&f, &log);
    assert_int_equal(log.count, 6);
    for (size_t i = 0; i < log.count; i++)
        assert_true(log.points[i].scores.test_acc >= 0 && log.points[i].scores.test_loss > 0);
    rt_metrics_free(&log);
}

static void saves_as_often_as_asked(void **state)
{
    struct rt_metrics_log log;
    struct fixture f;

    (void)state;
    start(&f, (const char *[]){SMALL, "num_epochs=5", "checkpoint_every=2", NULL});
    assert_int_equal(rt_loop_run(&f.loop, NULL), 0);
    assert_int_equal(f.saves, 3); /* 2, 4 and the end */
    finish(&f, &log);
    rt_metrics_free(&log);
}

static void diverges(void **state)
{
    struct rt_metrics_log log;
    struct rt_error err;
    struct fixture f;

    (void)state;
    start(&f, (const char *[]){SMALL, "num_epochs=5", "learning_rate=1000", NULL});
    assert_int_equal(rt_loop_run(&f.loop, &err), RT_EDIVERGED);
    assert_non_null(strstr(err.message, "learning rate 1000"));
    assert_int_equal(f.saves, 0); /* nobody wants those weights */
    finish(&f, &log);
    assert_true(log.points[log.count - 1].scores.train_loss - log.points[log.count - 1].scores.train_loss !=
                0); /* but the metrics show it */
    rt_metrics_free(&log);
}

static void allocates_nothing(void **state)
{
    struct rt_metrics_log log;
    struct rt_watch watch;
    struct fixture f;
    uint64_t before;

    (void)state;
    start(&f, (const char *[]){SMALL, "num_epochs=3", "log_every=1", "figure1=false",
                               "label_corruption_prob=0.5", NULL});
    assert_int_equal(rt_watch_create(&watch, &f.setup.dataset, BATCH, false, NULL), 0);
    f.loop.watch = &watch;
    before = rt_alloc_count();
    assert_int_equal(rt_loop_run(&f.loop, NULL), 0);
    assert_int_equal(rt_alloc_count(), before);
    rt_watch_free(&watch);
    finish(&f, &log);
    rt_metrics_free(&log);
}

/* Where nothing moves (rate 0), the batches' shares are those of an evaluation of the training set, counted
 * here image by image; without wrong labels there is nothing to say. */
static void says_what_was_learnt(void **state)
{
    static struct rt_image_outcome outcomes[IMAGES];
    struct rt_learnt want = {0};
    struct rt_evaluation evaluation;
    struct rt_metrics_log log;
    struct rt_watch watch;
    struct fixture f;

    (void)state;
    start(&f, (const char *[]){SMALL, "num_epochs=2", "log_every=2", "learning_rate=0",
                               "label_corruption_prob=0.5", NULL});
    assert_int_equal(rt_watch_create(&watch, &f.setup.dataset, BATCH, false, NULL), 0);
    f.loop.watch = &watch;
    assert_int_equal(rt_evaluator_run(&f.setup.evaluator, RT_SPLIT_TRAIN, &evaluation, outcomes, NULL), 0);
    for (int i = 0; i < IMAGES; i++) {
        const int given = f.setup.dataset.labels[i], truth = f.setup.dataset.labels_true[i];

        want.clean += given == truth;
        want.clean_right += given == truth && outcomes[i].predicted == given;
        want.wrong += given != truth;
        want.memorised += given != truth && outcomes[i].predicted == given;
        want.recovered += given != truth && outcomes[i].predicted == truth;
    }
    assert_true(want.wrong > 100 && want.memorised && want.recovered && want.memorised != want.recovered);
    assert_int_equal(rt_loop_run(&f.loop, NULL), 0);
    rt_watch_free(&watch);
    finish(&f, &log);
    for (size_t i = 0; i < log.count; i++) {
        const struct rt_scores *scores = &log.points[i].scores;

        if (i % 3 < 2) { /* within an epoch */
            assert_true(isnan(scores->train_acc_clean) && isnan(scores->train_memorised));
            continue;
        }
        assert_true(fabs(scores->train_acc_clean - (double)want.clean_right / (double)want.clean) < 1e-8);
        assert_true(fabs(scores->train_memorised - (double)want.memorised / (double)want.wrong) < 1e-8);
        assert_true(fabs(scores->train_recovered - (double)want.recovered / (double)want.wrong) < 1e-8);
    }
    rt_metrics_free(&log);
    start(&f, (const char *[]){SMALL, "num_epochs=1", NULL});
    assert_int_equal(rt_watch_create(&watch, &f.setup.dataset, BATCH, false, NULL), 0);
    assert_null(watch.outcomes); /* nothing is computed or copied for it */
    f.loop.watch = &watch;
    assert_int_equal(rt_loop_run(&f.loop, NULL), 0);
    finish(&f, &log);
    assert_true(isnan(log.points[log.count - 1].scores.train_acc_clean));
    rt_metrics_free(&log);
}

static int set_up(void **state)
{
    rt_log_set_level(RT_LOG_QUIET);
    if (scratch_make(state))
        return -1;
    folder = *state;
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(logs_every_k_batches_and_the_last),
        cmocka_unit_test(logs_the_last_batch_once),
        cmocka_unit_test(threshold_is_the_published_one),
        cmocka_unit_test(stops_at_the_threshold),
        cmocka_unit_test(goes_on_for_the_curve),
        cmocka_unit_test(tests_at_every_point_in_figure_2),
        cmocka_unit_test(saves_as_often_as_asked),
        cmocka_unit_test(diverges),
        cmocka_unit_test(allocates_nothing),
        cmocka_unit_test(says_what_was_learnt),
    };

    return cmocka_run_group_tests(tests, set_up, scratch_remove);
}
