/* Checkpoints: whole or not at all, verified when read, found in order; metrics cut back to what they were. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/system.h"
#include "config/builtin.h"
#include "run/checkpoint.h"
#include "run/run.h"
#include "support/scratch.h"

static const char *folder;
static const float values[3] = {1, 2, 3};
static const uint64_t shape[1] = {3};

static void join(char out[RT_PATH_MAX], const char *name)
{
    assert_int_equal(rt_path_join(out, folder, name, NULL), 0);
}

static void write_text(const char *name, const char *text)
{
    char path[RT_PATH_MAX];

    join(path, name);
    assert_int_equal(rt_file_write_all(path, text, strlen(text), NULL), 0);
}

/* Publishes a checkpoint after so many epochs and batches; its path in path[]. */
static void publish(int64_t epochs, int64_t batches, char path[RT_PATH_MAX])
{
    static struct rt_checkpoint checkpoint;
    struct rt_safetensor model = {"w", RT_DTYPE_F32, 1, shape, values, sizeof values};
    struct rt_safetensor optimizer = {"momentum.w", RT_DTYPE_F32, 1, shape, values, sizeof values};
    struct rt_error err;

    checkpoint = (struct rt_checkpoint){.provenance = {.version = "1", .data.name = "shapes10"}};
    assert_int_equal(rt_experiment_builtin(&checkpoint.experiment, "MLP1_0.5_none", NULL), 0);
    checkpoint.progress.epochs = epochs;
    checkpoint.progress.batches = batches;
    checkpoint.progress.images = batches * checkpoint.experiment.batch_size;
    checkpoint.progress.serial = epochs * 391 + batches;
    checkpoint.progress.step = epochs * 9;
    checkpoint.progress.loss_sum = batches ? 1.0 / 3 : 0;
    checkpoint.progress.correct = batches;
    if (batches)
        checkpoint.progress.learnt = (struct rt_learnt){checkpoint.progress.images - 20, batches - 3, 20, 3, 2};
    checkpoint.progress.wall_s = 1.0 / 3;
    if (epochs)
        checkpoint.progress.threshold = (struct rt_threshold){.reached = true, .epoch = 1, .wall_s = 0.1};
    checkpoint.model = (struct rt_safetensors){.tensors = &model, .tensor_count = 1};
    checkpoint.optimizer = (struct rt_safetensors){.tensors = &optimizer, .tensor_count = 1};
    if (rt_checkpoint_write(&checkpoint, folder, "metrics.csv", &err))
        fail_msg("%s", err.message);
    memcpy(path, checkpoint.path, RT_PATH_MAX);
}

static void reads_back(void **state)
{
    static struct rt_checkpoint back;
    char path[RT_PATH_MAX];

    (void)state;
    write_text("metrics.csv", "abc");
    publish(2, 7, path);
    assert_string_equal(rt_path_name(path), "e_002_b0007_MLP1_0.5_none");
    assert_int_equal(rt_checkpoint_read(&back, path, NULL), 0);
    assert_int_equal(back.progress.batches, 7);
    assert_true(back.progress.loss_sum == 1.0 / 3); /* to the last bit */
    assert_true(back.progress.threshold.reached && back.progress.threshold.wall_s == 0.1);
    assert_int_equal(back.progress.learnt.clean, 7 * 128 - 20);
    assert_int_equal(back.progress.learnt.clean_right, 4);
    assert_int_equal(back.progress.learnt.wrong, 20);
    assert_int_equal(back.progress.learnt.memorised, 3);
    assert_int_equal(back.progress.learnt.recovered, 2);
    assert_int_equal(back.metrics_size_bytes, 3);
    assert_string_equal(back.experiment.experiment_name, "MLP1_0.5_none");
    assert_memory_equal(rt_safetensors_find(&back.model, "w")->data, values, sizeof values);
    assert_non_null(rt_safetensors_find(&back.optimizer, "momentum.w"));
    rt_checkpoint_free(&back);
}

/* Flips one bit of each file in turn, at its beginning, middle and end. */
static void notices_one_bit(void **state)
{
    static const char *const names[] = {"model.safetensors", "optimizer.safetensors", "config.yaml",
                                        "state.json", "SHA256SUMS"};
    static struct rt_checkpoint back;
    char path[RT_PATH_MAX], file[RT_PATH_MAX];

    (void)state;
    write_text("metrics.csv", "abc");
    publish(3, 0, path);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char *bytes;
        size_t size;

        assert_int_equal(rt_path_join(file, path, names[i], NULL), 0);
        assert_int_equal(rt_file_read_all(file, 1 << 20, &bytes, &size, NULL), 0);
        for (int place = 0; place < 3; place++) {
            char *byte = bytes + (size_t)place * (size - 1) / 2;
            struct rt_error err;

            *byte ^= 4;
            assert_int_equal(rt_file_write_all(file, bytes, size, NULL), 0);
            if (rt_checkpoint_read(&back, path, &err) != RT_EDATA)
                fail_msg("%s, place %d: not noticed", names[i], place);
            assert_non_null(strstr(err.message, path));
            if (i < 4)
                assert_non_null(strstr(err.message, names[i]));
            *byte ^= 4;
        }
        assert_int_equal(rt_file_write_all(file, bytes, size, NULL), 0);
        rt_free(&bytes);
    }
    assert_int_equal(rt_checkpoint_read(&back, path, NULL), 0); /* mended */
    rt_checkpoint_free(&back);
}

static void notices_what_is_missing_or_short(void **state)
{
    static struct rt_checkpoint back;
    char path[RT_PATH_MAX], file[RT_PATH_MAX];
    struct rt_error err;

    (void)state;
    write_text("metrics.csv", "abc");
    publish(4, 0, path);
    assert_int_equal(rt_path_join(file, path, "model.safetensors", NULL), 0);
    assert_int_equal(rt_file_truncate(file, 20, NULL), 0);
    assert_int_equal(rt_checkpoint_read(&back, path, &err), RT_EDATA);
    assert_non_null(strstr(err.message, "cut short"));
    assert_int_equal(rt_file_remove(file, NULL), 0);
    assert_int_equal(rt_checkpoint_read(&back, path, &err), RT_EDATA);
    assert_non_null(strstr(err.message, "missing"));
    assert_int_equal(rt_checkpoint_read(&back, folder, &err), RT_EDATA); /* no checkpoint at all */
}

/* Whole, with digests that agree, but with numbers that no run can have together: batches are an index, epochs
 * decide which checkpoints are later. */
static void refuses_what_no_run_has(void **state)
{
    static const struct {
        const char *edge;
        struct rt_progress progress;
        const char *why;
    } rows[] = {
        {"negative batches", {.batches = -1, .images = -128, .serial = 1}, "batches"},
        {"batches past any epoch", {.batches = 1000000, .images = 128000000, .serial = 1000000}, "batches"},
        {"images of other batches", {.batches = 5, .images = 128, .serial = 5}, "images"},
        {"more correct than images", {.batches = 1, .images = 128, .correct = 129, .serial = 1}, "correct"},
        {"more learnt than images",
         {.batches = 1, .images = 128, .correct = 3, .serial = 1, .learnt = {.clean = 129, .clean_right = 3}},
         "learnt"},
        {"more right labels learnt than there are",
         {.batches = 1, .images = 128, .correct = 3, .serial = 1, .learnt = {.clean = 2, .clean_right = 3}},
         "learnt"},
        {"a wrong label both memorised and recovered",
         {.batches = 1, .images = 128, .correct = 3, .serial = 1, .learnt = {0, 0, 4, 3, 2}},
         "learnt"},
        {"learnt other than correct",
         {.batches = 1, .images = 128, .correct = 9, .serial = 1, .learnt = {100, 3, 28, 5, 2}},
         "learnt"},
        {"negative epochs", {.epochs = -5, .serial = 5}, "epochs"},
        {"a step that overflows", {.epochs = 1, .serial = 391, .step = INT64_MAX}, "step"},
        {"more log points than steps", {.epochs = 1, .serial = 391, .step = 392}, "step"},
        {"fewer steps than epochs", {.epochs = 9, .serial = 8}, "serial"},
        {"a sum without images", {.epochs = 1, .serial = 391, .loss_sum = 3}, "loss_sum"},
        {"seconds of 309 digits", {.epochs = 1, .serial = 391, .wall_s = 1.7e308}, "wall_s"},
        {"no seconds", {.epochs = 1, .serial = 391, .cpu_s = -1}, "cpu_s"},
        {"an accuracy of 2", {.epochs = 1, .serial = 391, .scores.test_acc = 2}, "test_acc"},
        {"a threshold to come",
         {.epochs = 1, .serial = 391, .step = 9, .threshold = {.reached = true, .epoch = 2}},
         "threshold"},
    };

    (void)state;
    write_text("metrics.csv", "abc");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        static struct rt_checkpoint checkpoint, back;
        struct rt_error err = {0};

        checkpoint = (struct rt_checkpoint){.provenance = {.version = "1", .data.name = "shapes10"},
                                            .progress = rows[i].progress};
        assert_int_equal(rt_experiment_builtin(&checkpoint.experiment, "MLP1_0.5_none", NULL), 0);
        assert_int_equal(rt_checkpoint_write(&checkpoint, folder, "metrics.csv", NULL), 0);
        if (rt_checkpoint_read(&back, checkpoint.path, &err) != RT_EDATA ||
            !strstr(err.message, "state.json") || !strstr(err.message, rows[i].why))
            fail_msg("%s: %s", rows[i].edge, err.message);
        assert_int_equal(rt_tree_remove(checkpoint.path, folder, NULL), 0);
    }
}

/* Under a later checkpoint's name an early one would have the rest removed as later than itself. */
static void refuses_another_name(void **state)
{
    static struct rt_checkpoint back;
    char path[RT_PATH_MAX], other[RT_PATH_MAX];
    struct rt_error err;

    (void)state;
    write_text("metrics.csv", "abc");
    publish(2, 0, path);
    join(other, "e_077_MLP1_0.5_none");
    assert_int_equal(rt_path_rename(path, other, NULL), 0);
    assert_int_equal(rt_checkpoint_read(&back, other, &err), RT_EDATA);
    assert_non_null(strstr(err.message, "name"));
    join(path, "kept"); /* any other name is the user's */
    assert_int_equal(rt_path_rename(other, path, NULL), 0);
    assert_int_equal(rt_checkpoint_read(&back, path, &err), 0);
    rt_checkpoint_free(&back);
    assert_int_equal(rt_tree_remove(path, folder, NULL), 0);
}

static void lists_in_order(void **state)
{
    static const char *const others[] = {"e_5_other",
                                         "e_x_MLP1_0.5_none",
                                         ".e_009_MLP1_0.5_none.1-2.tmp",
                                         "e_007_bx_MLP1_0.5_none",
                                         "e_008_MLP1_0.5_none_more",
                                         "e_MLP1_0.5_none"};
    static const struct {
        const char *name;
        int64_t epochs, batches;
    } rows[] = {
        {"e_000_b0003_MLP1_0.5_none", 0, 3}, /* before the first epoch's end */
        {"e_002_MLP1_0.5_none", 2, 0},
        {"e_002_b0100_MLP1_0.5_none", 2, 100},
        {"e_999_MLP1_0.5_none", 999, 0},
        {"e_1000_MLP1_0.5_none", 1000, 0}, /* by number: the letters sort before 999 */
    };
    char inside[RT_PATH_MAX], path[RT_PATH_MAX];
    struct rt_checkpoint_list list;

    (void)state;
    join(inside, "list");
    assert_int_equal(rt_folder_make(inside, NULL), 0);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (!rt_path_join(path, inside, others[i], NULL))
            assert_int_equal(rt_folder_make(path, NULL), 0);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (!rt_path_join(path, inside, rows[i].name, NULL))
            assert_int_equal(rt_folder_make(path, NULL), 0);
    assert_int_equal(rt_checkpoint_list(&list, inside, "MLP1_0.5_none", NULL), 0);
    assert_int_equal(list.count, sizeof rows / sizeof *rows);
    for (int i = 0; i < list.count; i++) {
        assert_string_equal(list.items[i].name, rows[i].name);
        assert_int_equal(list.items[i].epochs, rows[i].epochs);
        assert_int_equal(list.items[i].batches, rows[i].batches);
    }
    rt_checkpoint_list_free(&list);
}

static void cuts_metrics_back(void **state)
{
    static struct rt_checkpoint back;
    char path[RT_PATH_MAX], metrics[RT_PATH_MAX];
    struct rt_error err;
    uint64_t size;

    (void)state;
    join(metrics, "metrics.csv");
    write_text("metrics.csv", "header\nrow\n");
    publish(5, 0, path);
    assert_int_equal(rt_checkpoint_read(&back, path, NULL), 0);
    write_text("metrics.csv", "header\nrow\nlater row\n");
    assert_int_equal(rt_checkpoint_cut_metrics(&back, folder, "metrics.csv", NULL), 0);
    assert_int_equal(rt_file_size(metrics, &size, NULL), 0);
    assert_int_equal(size, 11);
    write_text("metrics.csv", "header\nrew\nlater row\n"); /* one bit of what is kept */
    assert_int_equal(rt_checkpoint_cut_metrics(&back, folder, "metrics.csv", &err), RT_EDATA);
    assert_non_null(strstr(err.message, "metrics.csv: changed"));
    write_text("metrics.csv", "header\n"); /* less than there was */
    assert_int_equal(rt_checkpoint_cut_metrics(&back, folder, "metrics.csv", &err), RT_EDATA);
    rt_checkpoint_free(&back);
}

/* More than fits in a reader's limit: it is read in pieces. */
static void checks_metrics_of_any_size(void **state)
{
    static const int64_t mebibyte = 1 << 20;
    static struct rt_checkpoint back;
    char path[RT_PATH_MAX], metrics[RT_PATH_MAX];
    uint64_t size;

    (void)state;
    join(metrics, "metrics.csv");
    write_text("metrics.csv", "header\n");
    assert_int_equal(truncate(metrics, 257 * mebibyte), 0); /* sparse */
    publish(5, 0, path);
    assert_int_equal(rt_checkpoint_read(&back, path, NULL), 0);
    assert_int_equal(truncate(metrics, 258 * mebibyte), 0);
    assert_int_equal(rt_checkpoint_cut_metrics(&back, folder, "metrics.csv", NULL), 0);
    assert_int_equal(rt_file_size(metrics, &size, NULL), 0);
    assert_int_equal(size, 257 * mebibyte);
    rt_checkpoint_free(&back);
}

static int refuse_closed(const struct rt_system_event *event)
{
    return !event->after && event->call == RT_SYSTEM_open && rt_path_has_suffix(event->path, "/closed") ? EACCES
                                                                                                        : 0;
}

static void lists_beside_a_closed_folder(void **state)
{
    struct rt_experiment experiment;
    struct rt_run_list list;
    char runs[RT_PATH_MAX], closed[RT_PATH_MAX];
    struct rt_run run;

    (void)state;
    join(runs, "listed");
    join(closed, "listed/closed");
    assert_int_equal(rt_experiment_builtin(&experiment, "MLP1_0.5_none", NULL), 0);
    assert_int_equal(rt_run_open(&run, runs, &experiment, NULL), 0);
    assert_int_equal(rt_run_write_config(&run, &experiment, NULL), 0);
    rt_run_close(&run);
    assert_int_equal(rt_folder_make(closed, NULL), 0);
    rt_system_hook = refuse_closed;
    assert_int_equal(rt_run_list(&list, runs, NULL), 0);
    assert_int_equal(list.count, 2);
    assert_string_equal(list.items[0].trouble, "");
    assert_non_null(strstr(list.items[1].trouble, "closed")); /* says so in its place */
    rt_run_list_free(&list);
    assert_int_equal(rt_run_list(&list, closed, NULL), RT_EIO); /* the one that was asked for */
    rt_system_hook = NULL;
}

static void removes_a_run_that_never_began(void **state)
{
    struct rt_experiment experiment;
    char runs[RT_PATH_MAX];
    struct rt_run run;

    (void)state;
    join(runs, "runs");
    assert_int_equal(rt_experiment_builtin(&experiment, "MLP1_0.5_none", NULL), 0);
    assert_int_equal(rt_run_open(&run, runs, &experiment, NULL), 0);
    assert_true(rt_path_is_folder(run.path));
    rt_run_abandon(&run);
    assert_false(rt_path_exists(run.path));
    assert_int_equal(rt_run_open(&run, runs, &experiment, NULL), 0);
    assert_int_equal(rt_run_write_config(&run, &experiment, NULL), 0);
    rt_run_abandon(&run);
    assert_true(rt_path_is_folder(run.path)); /* there is something in it */
}

static int set_up(void **state)
{
    if (scratch_make(state))
        return -1;
    folder = *state;
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_back),
        cmocka_unit_test(notices_one_bit),
        cmocka_unit_test(notices_what_is_missing_or_short),
        cmocka_unit_test(refuses_what_no_run_has),
        cmocka_unit_test(refuses_another_name),
        cmocka_unit_test(lists_in_order),
        cmocka_unit_test(cuts_metrics_back),
        cmocka_unit_test(checks_metrics_of_any_size),
        cmocka_unit_test(lists_beside_a_closed_folder),
        cmocka_unit_test(removes_a_run_that_never_began),
    };

    return cmocka_run_group_tests(tests, set_up, scratch_remove);
}
