/* result.json reads back as it was written; what is missing or foreign is named. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/path.h"
#include "run/result.h"
#include "support/scratch.h"

static char path[RT_PATH_MAX], folder[RT_PATH_MAX];

static struct rt_result example(void)
{
    struct rt_result result = {
        .provenance.version = "1.2.3",
        .experiment_name = "MLP1_0.5_none",
        .model_name = "MLP1",
        .data_corruption_type = "none",
        .bn = true,
        .label_corruption_prob = 0.5,
        .learning_rate = 0.1,
        .seed = 4294967295,
        .batch_size = 128,
        .batches_per_epoch = 391,
        .log_every = 50,
        .provenance.threads = 2,
        .state = RT_RUN_interrupted,
        .epochs = 7,
        .step = 63,
        .final = {.train_loss = 0.1,
                  .train_acc = 1.0 / 3,
                  .test_loss = NAN,
                  .test_acc = NAN}, /* not measured */
        .training_flops = 1.5e15,
        .peak_memory_bytes = 1 << 30,
    };

    snprintf(result.provenance.data.name, sizeof result.provenance.data.name, "cifar10");
    result.provenance.data.train_size = 50000;
    result.provenance.data.test_size = 10000;
    result.provenance.machine.cores = 2;
    return result;
}

static void reads_back(void **state)
{
    struct rt_result result = example(), back;

    (void)state;
    assert_int_equal(rt_result_write(&result, folder, NULL), 0);
    assert_int_equal(rt_result_read(&back, folder, NULL), 0);
    assert_true(isnan(back.final.test_loss) && isnan(back.final.test_acc));
    back.final.test_loss = back.final.test_acc = result.final.test_loss = result.final.test_acc = 0;
    assert_memory_equal(&back, &result, sizeof result); /* 1/3 too: to the last bit */
}

static void keeps_the_threshold(void **state)
{
    struct rt_result result = example(), back;

    (void)state;
    result.epochs = 77;
    result.step = 693;
    result.threshold = (struct rt_threshold){true,
                                             77,
                                             692,
                                             65.52,
                                             120.25,
                                             1e15,
                                             {.train_loss = 0.0682,
                                              .train_acc = 0.9971,
                                              .test_loss = 1.9,
                                              .test_acc = 0.531,
                                              .test_acc_true = 0.71}};
    assert_int_equal(rt_result_write(&result, folder, NULL), 0);
    assert_int_equal(rt_result_read(&back, folder, NULL), 0);
    assert_memory_equal(&back.threshold, &result.threshold, sizeof back.threshold);
}

static void keeps_the_best_epoch_and_the_labels(void **state)
{
    const struct rt_scores scores[] = {{.test_acc_true = NAN}, {.test_acc_true = 0.5}, {.test_acc_true = 0.5}};
    struct rt_result result = example(), back;
    struct rt_label_counts *labels = &result.provenance.data.test_labels;

    (void)state;
    for (int i = 0; i < 3; i++)
        rt_best_note(&result.best, i + 1, &scores[i]);
    assert_int_equal(result.best.epoch, 2); /* the first of equals; what was not measured is none */
    labels->images = 7;
    labels->changed = 4;
    labels->transitions[9][0] = 4; /* rows are true labels */
    labels->transitions[1][1] = 3;
    assert_int_equal(rt_result_write(&result, folder, NULL), 0);
    assert_int_equal(rt_result_read(&back, folder, NULL), 0);
    assert_memory_equal(&back.best, &result.best, sizeof back.best);
    assert_memory_equal(&back.provenance.data, &result.provenance.data, sizeof back.provenance.data);
}

/* As in an older program's file, which has not got the key (its first in the file). */
static void lose_key(const char *quoted)
{
    char *text, *key;
    size_t size;

    assert_int_equal(rt_file_read_all(path, 1 << 16, &text, &size, NULL), 0);
    assert_non_null(key = strstr(text, quoted));
    key[1] = 'x';
    assert_int_equal(rt_file_write_all(path, text, size, NULL), 0);
    rt_free(&text);
}

/* An older program's file, whose list of metrics was shorter. */
static void takes_a_missing_metric_as_not_measured(void **state)
{
    const struct rt_result result = example();
    struct rt_result back;

    (void)state;
    assert_int_equal(rt_result_write(&result, folder, NULL), 0);
    lose_key("\"train_acc\"");
    assert_int_equal(rt_result_read(&back, folder, NULL), 0);
    assert_true(isnan(back.final.train_acc) && back.final.train_loss == 0.1);
}

/* An older program's file, from before labels could come from files. */
static void takes_labels_without_a_file(void **state)
{
    struct rt_result result = example(), back;

    (void)state;
    result.provenance.data.train_labels.images = 7;
    result.provenance.data.train_labels.transitions[3][3] = 7;
    assert_int_equal(rt_result_write(&result, folder, NULL), 0);
    lose_key("\"file\"");
    assert_int_equal(rt_result_read(&back, folder, NULL), 0);
    assert_int_equal(back.provenance.data.train_labels.images, 7);
}

/* Each device once, in order; an older program's file names that of its last session. */
static void names_every_device(void **state)
{
    const char *const engines[] = {"native", "cuda", "native"}, *const targets[] = {"avx2", "A card, sm_90",
                                                                                    "avx2"};
    struct rt_result result = example(), back;
    struct rt_run_devices many = {0};

    (void)state;
    for (int i = 0; i < 3; i++) {
        snprintf(result.provenance.engine, sizeof result.provenance.engine, "%s", engines[i]);
        snprintf(result.provenance.target, sizeof result.provenance.target, "%s", targets[i]);
        rt_run_devices_note(&result.devices, &result.provenance);
    }
    assert_int_equal(result.devices.count, 2);
    assert_string_equal(result.devices.names[1], "cuda (A card, sm_90)");
    assert_int_equal(rt_result_write(&result, folder, NULL), 0);
    assert_int_equal(rt_result_read(&back, folder, NULL), 0);
    assert_memory_equal(&back.devices, &result.devices, sizeof back.devices);
    lose_key("\"devices\"");
    assert_int_equal(rt_result_read(&back, folder, NULL), 0);
    assert_int_equal(back.devices.count, 1);
    assert_string_equal(back.devices.names[0], "native (avx2)");
    for (int i = 0; i < RT_RUN_DEVICES_MAX + 2; i++) {
        snprintf(result.provenance.target, sizeof result.provenance.target, "card %d", i);
        rt_run_devices_note(&many, &result.provenance);
    }
    assert_int_equal(many.count, RT_RUN_DEVICES_MAX);
    assert_string_equal(many.names[RT_RUN_DEVICES_MAX - 1], "others");
}

static void names_what_is_wrong(void **state)
{
    static const struct {
        const char *from, *to, *why;
    } rows[] = {
        {"\"seed\": 4294967295", "\"seed\": \"x\"", "seed"}, /* another type */
        {"\"epochs\"", "\"epoch\"", "epochs"},               /* a key is missing */
        {"\"interrupted\"", "\"dead\"", "dead"},             /* a state that is none */
        {"\"format\": 1", "\"format\": 2", "format 2"},      /* of a later program */
        {"\"threshold\": null", "\"threshold\": 3", "threshold"},
        {"\"final\": {", "\"finale\": {", "final"},
        /* what no run writes */
        {"\"MLP1_0.5_none\"", "\"seedx\\n;system(\\\"id\\\")#\"", "experiment_name"},
        {"\"MLP1_0.5_none\"", "\"a/../../b\"", "experiment_name"},
        {"\"model_name\": \"MLP1\"", "\"model_name\": \"MLP1\\t\"", "model_name"},
        {"\"version\": \"1.2.3\"", "\"version\": \"\\u001b[2J\"", "version"},
        {"\"version\": \"1.2.3\"", "\"version\": \"\\u202e3.2.1\"", "version"},
        {"\"cpu\": null", "\"cpu\": \"\\u009b31m\"", "cpu"},
        {"\"digest\": null", "\"digest\": \"abc\"", "SHA-256"},
        {"\"batches_per_epoch\": 391", "\"batches_per_epoch\": 0",
         "batches_per_epoch"}, /* figures divide by it */
        {"\"epochs\": 7", "\"epochs\": -5", "epochs"},
        {"\"step\": 63", "\"step\": 9223372036854775807", "step"},
        {"\"wall_s\": 0.0", "\"wall_s\": 1.7e308", "wall_s"}, /* 309 digits */
        {"\"wall_s\": 0.0", "\"wall_s\": null", "wall_s"},    /* would be NaN */
        {"\"train_loss\": 0.1", "\"train_loss\": -5.0", "train_loss"},
        {"\"label_corruption_prob\": 0.5", "\"label_corruption_prob\": 1.5", "label_corruption_prob"},
        {"\"threshold\": null",
         "\"threshold\": {\"epoch\": 8, \"step\": 1, \"wall_s\": 1, \"cpu_s\": 1, \"training_flops\": 1, "
         "\"train_loss\": "
         "1, \"train_acc\": 1, \"test_loss\": 1, \"test_acc\": 1}",
         "behind the run's end"},
        {"\"best\": null", "\"best\": {\"epoch\": 0}", "epoch"},
        {"\"labels\": {", "\"labels\": 3, \"was\": {", "labels"},
        {"\"changed\": 0", "\"changed\": 1", "add up"},             /* more than the table has */
        {"\"transitions\": [", "\"transitions\": [[],", "10 x 10"}, /* a row too short */
        {"\"devices\": []", "\"devices\": \"cuda\"", "devices"},
        {"\"devices\": []", "\"devices\": [3]", "devices/0"},
        {"\"devices\": []", "\"devices\": [\"\\u001b[2J\"]", "devices"},
        {"\"devices\": []", "\"devices\": [\"1\", \"2\", \"3\", \"4\", \"5\", \"6\", \"7\", \"8\", \"9\"]",
         "devices"},
        {"}\n", "", ""}, /* cut short */
    };
    const struct rt_result result = example();

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct rt_result back = {.epochs = 1234};
        struct rt_error err;
        char *text, edited[1 << 16], *at;
        size_t size;

        assert_int_equal(rt_result_write(&result, folder, NULL), 0);
        assert_int_equal(rt_file_read_all(path, sizeof edited, &text, &size, NULL), 0);
        at = i + 1 == sizeof rows / sizeof *rows ? text + size - 2 : strstr(text, rows[i].from);
        assert_non_null(at);
        snprintf(edited, sizeof edited, "%.*s%s%s", (int)(at - text), text, rows[i].to,
                 at + strlen(rows[i].from));
        rt_free(&text);
        assert_int_equal(rt_file_write_all(path, edited, strlen(edited), NULL), 0);
        if (rt_result_read(&back, folder, &err) != RT_EDATA || !strstr(err.message, path) ||
            !strstr(err.message, rows[i].why))
            fail_msg("row %zu: %s", i, err.message);
        assert_int_equal(back.epochs, 1234); /* untouched */
    }
}

static int set_up(void **state)
{
    return scratch_make(state) || rt_path_join(path, *state, "result.json", NULL) ||
                   rt_path_join(folder, "", *state, NULL)
               ? -1
               : 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_back),
        cmocka_unit_test(keeps_the_threshold),
        cmocka_unit_test(keeps_the_best_epoch_and_the_labels),
        cmocka_unit_test(takes_a_missing_metric_as_not_measured),
        cmocka_unit_test(takes_labels_without_a_file),
        cmocka_unit_test(names_every_device),
        cmocka_unit_test(names_what_is_wrong),
    };

    return cmocka_run_group_tests(tests, set_up, scratch_remove);
}
