/* The training loop on an engine that works like a GPU's (support/asynchronous.h): whatever the stride, a run
 * leaves the bytes that it leaves on the native engine; requests, checkpoints and failures come at the right
 * batch. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "config/builtin.h"
#include "data/shared.h"
#include "run/checkpoint.h"
#include "support/asynchronous.h"
#include "support/scratch.h"
#include "train/session.h"

enum { PER_EPOCH = 20, METRICS_MAX = 65536, SETTINGS_MAX = 8 };

static const int strides[] = {1, 7, 64, 100000}; /* one by one; no divisor of an epoch; longer than one; any */

/* 20 batches an epoch, the last one of 12 images. */
static const char *const small[] = {"train_size=316", "test_size=150", "batch_size=16", "track=[]",
                                    "log_every=6"};

struct course {
    const char *experiment;
    const char *settings[SETTINGS_MAX]; /* ended by null */
};

/* What a run left. */
struct outcome {
    int status;
    char message[RT_ERROR_MESSAGE_MAX];
    char metrics[METRICS_MAX]; /* without times */
    int64_t epochs, batches;   /* of the newest checkpoint; -1: there is none */
    char *model, *optimizer;   /* its files */
    size_t model_size, optimizer_size;
};

static struct rt_datasets *datasets; /* one copy of the images for all runs */

static int open_datasets(void **state)
{
    (void)state;
    return rt_datasets_create(&datasets, NULL);
}

static int close_datasets(void **state)
{
    (void)state;
    rt_datasets_free(&datasets);
    return 0;
}

static void free_outcome(struct outcome **outcome)
{
    rt_free(&(*outcome)->model);
    rt_free(&(*outcome)->optimizer);
    rt_free(outcome);
}

/* The first eight columns of metrics.csv: all but the clocks. */
static void read_metrics(struct outcome *outcome, const char *run_dir)
{
    char path[RT_PATH_MAX], *bytes = NULL, *to = outcome->metrics;
    int column = 0;
    size_t size;

    assert_int_equal(rt_path_join(path, run_dir, "metrics.csv", NULL), RT_OK);
    if (rt_file_read_all(path, METRICS_MAX - 1, &bytes, &size, NULL))
        return;
    for (size_t i = 0; i < size; i++) {
        column = bytes[i] == '\n' ? 0 : column + (bytes[i] == ',');
        if (column < 8 || bytes[i] == '\n')
            *to++ = bytes[i];
    }
    rt_free(&bytes);
}

static void read_checkpoint(struct outcome *outcome, const struct rt_experiment *experiment,
                            const char *run_dir)
{
    struct rt_checkpoint_list list = {0};
    struct rt_checkpoint *whole = NULL;
    char folder[RT_PATH_MAX], path[RT_PATH_MAX];
    struct rt_error err = {0};

    outcome->epochs = outcome->batches = -1;
    if (!rt_path_is_folder(run_dir))
        return;
    assert_int_equal(rt_checkpoint_list(&list, run_dir, experiment->experiment_name, NULL), RT_OK);
    if (list.count) {
        const struct rt_checkpoint_entry *last = &list.items[list.count - 1];

        assert_int_equal(rt_path_join(folder, run_dir, last->name, NULL), RT_OK);
        assert_int_equal(rt_alloc(&whole, 1, sizeof *whole, "a checkpoint", NULL), RT_OK);
        if (rt_checkpoint_read(whole, folder, &err))
            fail_msg("the newest checkpoint is not whole: %s", err.message);
        rt_checkpoint_free(whole);
        rt_free(&whole);
        outcome->epochs = last->epochs;
        outcome->batches = last->batches;
        assert_int_equal(rt_path_join(path, folder, "model.safetensors", NULL), RT_OK);
        assert_int_equal(rt_file_read_all(path, 1 << 28, &outcome->model, &outcome->model_size, NULL), RT_OK);
        assert_int_equal(rt_path_join(path, folder, "optimizer.safetensors", NULL), RT_OK);
        assert_int_equal(rt_file_read_all(path, 1 << 28, &outcome->optimizer, &outcome->optimizer_size, NULL),
                         RT_OK);
    }
    rt_checkpoint_list_free(&list);
}

/* Trains, or goes on, in the folder `runs`, on the asynchronous engine where stride is above 0. */
static struct outcome *train(const struct course *course, const char *runs, int stride, double autosave_s,
                             const atomic_int *stop)
{
    struct rt_train_options options = {.data = "shapes10",
                                       .runs = runs,
                                       .threads = 1,
                                       .epochs_given = true,
                                       .verbosity = RT_LOG_SILENT,
                                       .autosave_s = autosave_s,
                                       .stop = stop,
                                       .datasets = datasets};
    struct rt_experiment experiment;
    struct outcome *outcome = NULL;
    struct rt_error err = {0};
    char run_dir[RT_PATH_MAX];

    assert_int_equal(rt_alloc(&outcome, 1, sizeof *outcome, "an outcome", NULL), RT_OK);
    assert_int_equal(rt_experiment_builtin(&experiment, course->experiment, NULL), RT_OK);
    for (size_t i = 0; i < sizeof small / sizeof *small; i++)
        assert_int_equal(rt_experiment_set(&experiment, small[i], NULL), RT_OK);
    for (int i = 0; course->settings[i]; i++)
        assert_int_equal(rt_experiment_set(&experiment, course->settings[i], NULL), RT_OK);
    if (stride)
        assert_int_equal(rt_device_open(&options.device, &rt_engine_asynchronous,
                                        &(struct rt_device_options){.threads = 1}, NULL),
                         RT_OK);
    outcome->status = rt_train(&experiment, &options, &err);
    rt_device_close(&options.device);
    snprintf(outcome->message, sizeof outcome->message, "%s", err.message);
    assert_null(strchr(outcome->message, '\n'));
    assert_int_equal(rt_run_path(run_dir, runs, &experiment, NULL), RT_OK);
    read_metrics(outcome, run_dir);
    read_checkpoint(outcome, &experiment, run_dir);
    return outcome;
}

static void same(const struct outcome *got, const struct outcome *want, const char *what)
{
    if (got->status != want->status || strcmp(got->message, want->message) != 0)
        fail_msg("%s: status %d, %s; expected %d, %s", what, got->status, got->message, want->status,
                 want->message);
    if (strcmp(got->metrics, want->metrics) != 0)
        fail_msg("%s: other metrics:\n%s\nexpected:\n%s", what, got->metrics, want->metrics);
    if (got->epochs != want->epochs || got->batches != want->batches || got->model_size != want->model_size ||
        got->optimizer_size != want->optimizer_size ||
        (want->model && (memcmp(got->model, want->model, want->model_size) != 0 ||
                         memcmp(got->optimizer, want->optimizer, want->optimizer_size) != 0)))
        fail_msg("%s: another checkpoint, of epoch %ld, expected %ld", what, (long)got->epochs,
                 (long)want->epochs);
}

static void kept_contract(void)
{
    assert_int_equal(atomic_load(&rt_asynchronous.broken), 0);
    assert_in_range(atomic_load(&rt_asynchronous.most), 1,
                    rt_asynchronous.stride < PER_EPOCH ? rt_asynchronous.stride : PER_EPOCH);
}

static const struct course figure1 = {"MLP1_0.5_none", {"num_epochs=3", "checkpoint_every=1"}};

static const struct course courses[] = {
    {"MLP1_0.5_none", {"num_epochs=3"}},                                 /* figure 1: nothing within an epoch */
    {"MLP1_0.5_none", {"num_epochs=2", "figure1=false"}},                /* each log point evaluates */
    {"MLP1_0.5_none", {"num_epochs=2", "figure1=false", "log_every=1"}}, /* ... as does each batch */
    {"MLP3_0.0_none", {"num_epochs=2", "dropout=0.3", "augment=true"}},  /* masks and crops */
    {"MLP1_1.0_none", {"num_epochs=60", "train_size=40", "batch_size=8", "learning_rate=0.05"}}, /* threshold */
    {"MLP1_1.0_none", {"num_epochs=40", "train_size=40", "batch_size=8", "learning_rate=0.05", "curve=true"}},
    {"MLP1_0.0_none", {"num_epochs=3", "learning_rate=900"}}, /* diverges within an epoch */
    {"MLP1_0.0_none", {"num_epochs=3", "learning_rate=900", "figure1=false"}},
};

static void any_stride_gives_the_same_run(void **state)
{
    char name[64];

    for (size_t i = 0; i < sizeof courses / sizeof *courses; i++) {
        struct outcome *want, *got;

        snprintf(name, sizeof name, "native-%zu", i);
        want = train(&courses[i], in_scratch(state, name), 0, 0, NULL);
        for (size_t s = 0; s < sizeof strides / sizeof *strides; s++) {
            rt_asynchronous_reset(strides[s]);
            snprintf(name, sizeof name, "course %zu, stride %d", i, strides[s]);
            got = train(&courses[i], in_scratch(state, name), strides[s], 0, NULL);
            same(got, want, name);
            kept_contract();
            free_outcome(&got);
        }
        assert_true(strlen(want->metrics) > 60);
        free_outcome(&want);
    }
}

/* Asked to stop at a batch, it advances nothing more, saves behind all that was in flight, and goes on from
 * there. */
static void stops_behind_what_is_in_flight(void **state)
{
    static const long moments[] = {0, 3, 18, 19, 33};
    struct outcome *want = train(&figure1, in_scratch(state, "native"), 0, 0, NULL), *got;
    char name[64];

    for (size_t s = 0; s < sizeof strides / sizeof *strides; s++)
        for (size_t m = 0; m < sizeof moments / sizeof *moments; m++) {
            atomic_int stop = 0;
            long behind;

            rt_asynchronous_reset(strides[s]);
            rt_asynchronous.stop = &stop;
            rt_asynchronous.stop_at = moments[m];
            snprintf(name, sizeof name, "stride %d, stopped at %ld", strides[s], moments[m]);
            got = train(&figure1, in_scratch(state, name), strides[s], 0, &stop);
            assert_int_equal(got->status, RT_EINTERRUPTED);
            behind = (long)(got->epochs * PER_EPOCH + got->batches) - moments[m] - 1;
            assert_in_range(behind, 0, strides[s] - 1);
            assert_int_equal(atomic_load(&rt_asynchronous.late), 0);
            assert_int_equal(atomic_load(&rt_asynchronous.trained), moments[m] + 1 + behind);
            kept_contract();
            free_outcome(&got);
            rt_asynchronous_reset(strides[s]);
            got = train(&figure1, in_scratch(state, name), strides[s], 0, NULL);
            same(got, want, name);
            free_outcome(&got);
        }
    free_outcome(&want);
}

/* An autosave that is always due: the run is the same, and each checkpoint was behind all in flight. */
static void autosave_changes_nothing(void **state)
{
    struct outcome *want = train(&figure1, in_scratch(state, "native"), 0, 0, NULL), *got;
    char name[64];

    for (size_t s = 0; s < sizeof strides / sizeof *strides; s++) {
        rt_asynchronous_reset(strides[s]);
        snprintf(name, sizeof name, "autosave, stride %d", strides[s]);
        got = train(&figure1, in_scratch(state, name), strides[s], 1e-9, NULL);
        same(got, want, name);
        kept_contract();
        free_outcome(&got);
    }
    free_outcome(&want);
}

/* The device breaks: one line, the last checkpoint whole, and a healthy device resumes it to the same bytes. */
static void breaks(void **state, const char *what, int stride, long epochs_kept, const struct outcome *want)
{
    const char *runs = in_scratch(state, what);
    struct outcome *got = train(&figure1, runs, stride, 0, NULL);

    if (got->status != RT_EDEVICE || strcmp(got->message, "device asynchronous: broken on purpose") != 0)
        fail_msg("%s: status %d, %s", what, got->status, got->message);
    assert_int_equal(got->epochs, epochs_kept);
    assert_int_equal(got->batches, epochs_kept < 0 ? -1 : 0);
    free_outcome(&got);
    rt_asynchronous_reset(stride);
    got = train(&figure1, runs, stride, 0, NULL);
    same(got, want, what);
    free_outcome(&got);
}

static void failures_come_late_and_end_the_run(void **state)
{
    struct outcome *want = train(&figure1, in_scratch(state, "native"), 0, 0, NULL);
    char name[64];

    for (size_t s = 0; s < sizeof strides / sizeof *strides; s++) {
        static const long moments[] = {0, 19, 47};

        for (size_t m = 0; m < sizeof moments / sizeof *moments; m++) { /* from collect */
            rt_asynchronous_reset(strides[s]);
            rt_asynchronous.fail_at = moments[m];
            snprintf(name, sizeof name, "stride %d, broken at %ld", strides[s], moments[m]);
            breaks(state, name, strides[s], moments[m] / PER_EPOCH ? moments[m] / PER_EPOCH : -1, want);
        }
        rt_asynchronous_reset(strides[s]); /* from the reads of the second checkpoint */
        rt_asynchronous.fail_read = 14;
        snprintf(name, sizeof name, "stride %d, broken reading", strides[s]);
        breaks(state, name, strides[s], 1, want);
        rt_asynchronous_reset(strides[s]); /* from the first writes of initial weights */
        rt_asynchronous.fail_write = 2;
        snprintf(name, sizeof name, "stride %d, broken writing", strides[s]);
        breaks(state, name, strides[s], -1, want);
    }
    free_outcome(&want);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(any_stride_gives_the_same_run, scratch_make, scratch_remove),
        cmocka_unit_test_setup_teardown(stops_behind_what_is_in_flight, scratch_make, scratch_remove),
        cmocka_unit_test_setup_teardown(autosave_changes_nothing, scratch_make, scratch_remove),
        cmocka_unit_test_setup_teardown(failures_come_late_and_end_the_run, scratch_make, scratch_remove),
    };

    return cmocka_run_group_tests_name("train/asynchronous", tests, open_datasets, close_datasets);
}
