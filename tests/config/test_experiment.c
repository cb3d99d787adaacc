/* Experiments: the built-in ones, files and assignments, what is refused and where, round trips. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/memory.h"
#include "config/builtin.h"
#include "config/keys.h"
#include "net/models.h"
#include "support/scratch.h"

static int parse(struct rt_experiment *experiment, const char *yaml, struct rt_error *err)
{
    return rt_experiment_parse(experiment, "f.yaml", yaml, strlen(yaml), err);
}

/* Every key's field is its own: setting one changes no other (offsets and types of the table are right). */
static void test_defaults_are_valid(void **state)
{
    struct rt_experiment e;

    (void)state;
    memset(&e, 0xff, sizeof e);
    rt_experiment_defaults(&e);
    for (const struct rt_key *key = rt_keys; key->name; key++) {
        char value[RT_TEXT_MAX];

        assert_true(rt_experiment_value(&e, key->name, value, sizeof value));
        if (!strcmp(key->name, "experiment_name"))
            assert_string_equal(value, "MLP1_0.0_none");
        else if (!strcmp(key->name, "track"))
            assert_string_equal(value, "[tensorboard]");
        else
            assert_string_equal(value, key->preset); /* the default is written as it is formatted */
        assert_true(rt_key_find(key->name) == key);
        assert_true(key->help[0] >= 'A');
    }
    assert_int_equal(rt_experiment_check(&e, NULL), RT_OK);
    assert_true(e.seed.given && e.seed.value == 42 && !e.train_size.given && e.bn && e.batch_size == 128);
}

static void test_published_defaults(void **state)
{
    static const struct {
        const char *name, *key, *value;
    } rows[] = {
        {"MLP1_0.5_none", "label_corruption_prob", "0.5"},
        {"MLP1_0.5_none", "model_name", "MLP1"},
        {"MLP1_1.0_none", "label_corruption_prob", "1.0"},
        {"MLP1_0.0_none", "scheduler", "multi-step"},
        {"MLP1_0.0_none", "milestones", "[100, 200]"},
        {"MLP3_0.0_none", "scheduler", "exponential"},
        {"MLP3_0.0_none", "milestones", "[]"},
        {"MLP3_0.0_none", "lr_decay", "0.95"},
        {"MLP3_0.0_none", "learning_rate", "0.01"},
        {"MLP3_0.0_none", "momentum", "0.9"},
        {"MLP3_0.0_none", "weight_decay", "0.0"},
        {"MLP3_0.0_none", "log_every", "50"},
        {"MLP3_0.0_none", "seed", "42"},
        {"MLP3_0.0_none", "figure1", "true"},
        {"MLP3_0.0_none", "curve", "false"},
        {"MLP3_0.0_none", "comet_project", "deep-learning-generalization"},
        {"WRN_0.0_shuff_pix", "data_corruption_type", "shuff_pix"},
        {"WRN_0.0_shuff_pix", "learning_rate", "0.01"},
        {"AlexNet_0.0_gauss_pix", "data_corruption_type", "gauss_pix"},
        {"Inception_0.9_none", "learning_rate", "0.1"},
        {"Inception_0.9_none", "scheduler", "exponential"},
        {"Inception_0.9_none", "log_every", "50"},
        {"Inception_bnFalse", "bn", "false"},
        {"Inception_bnTrue", "bn", "true"},
        {"Inception_bnTrue", "figure1", "false"},
        {"Inception_bnTrue", "log_every", "100"},
        {"Inception_bnTrue", "learning_rate", "0.1"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct rt_experiment e;
        char value[RT_TEXT_MAX];

        assert_int_equal(rt_experiment_builtin(&e, rows[i].name, NULL), RT_OK);
        assert_true(rt_experiment_value(&e, rows[i].key, value, sizeof value));
        if (strcmp(value, rows[i].value) != 0)
            fail_msg("%s: %s is %s", rows[i].name, rows[i].key, value);
    }
}

/* Each of the 72: named once, valid, room above the published epochs, and equal to itself read back. */
static void test_builtins(void **state)
{
    (void)state;
    assert_int_equal(rt_experiment_builtin_count(), 72);
    for (int i = 0; i < 72; i++) {
        const char *const name = rt_experiment_builtin_name(i);
        struct rt_experiment e, again;
        char *yaml;

        assert_int_equal(rt_experiment_builtin(&e, name, NULL), RT_OK);
        assert_string_equal(e.experiment_name, name);
        assert_int_equal(rt_experiment_check(&e, NULL), RT_OK);
        assert_non_null(rt_model_find(e.model_name));
        for (int j = 0; j < i; j++)
            assert_string_not_equal(name, rt_experiment_builtin_name(j));
        assert_int_equal(rt_experiment_format(&e, &yaml, NULL), RT_OK);
        assert_int_equal(parse(&again, yaml, NULL), RT_OK);
        assert_null(rt_experiment_difference(&e, &again, ""));
        rt_free(&yaml);
    }
}

/* The models that config/models.h knows are those of the network, under all their names. */
static void test_models_agree(void **state)
{
    int count = 0;

    (void)state;
#define MODEL_AGREES(model, others, settings)                                                                  \
    assert_non_null(rt_model_find(#model));                                                                    \
    assert_string_equal(rt_model_find(#model)->name, #model);                                                  \
    assert_string_equal(rt_model_find(#model)->aliases, others);                                               \
    count++;
    RT_PUBLISHED_MODELS(MODEL_AGREES)
#undef MODEL_AGREES
    for (int i = 0; rt_models[i]; i++)
        count--;
    assert_true(count <= 0);
}

static void test_file_over_defaults(void **state)
{
    struct rt_experiment e;

    (void)state;
    assert_int_equal(parse(&e, "model_name: InceptionSmall\nlabel_corruption_prob: 0.25\n", NULL), RT_OK);
    assert_string_equal(e.model_name, "Inception"); /* its own name, not the other */
    assert_string_equal(e.experiment_name, "Inception_0.25_none");
    assert_true(e.learning_rate == 0.1); /* its model's default, wherever model_name stands */
    assert_int_equal(
        parse(&e, "learning_rate: 1\nmodel_name: Inception\nexperiment_name: mine\nfigure1: false\nbn: false",
              NULL),
        RT_OK);
    assert_true(e.learning_rate == 1); /* the file wins, and a whole number is a number */
    assert_string_equal(e.experiment_name, "mine");
    assert_int_equal(parse(&e, "model_name: Inception\nfigure1: false\nbn: false\n", NULL), RT_OK);
    assert_string_equal(e.experiment_name, "Inception_bnFalse");
    assert_int_equal(parse(&e, "model_name: MLP1\nscheduler: constant\nmilestones: []\n", NULL), RT_OK);
    assert_int_equal(e.milestone_count, 0); /* an empty list empties the model's */
    assert_int_equal(parse(&e, "seed: null\ncheckpoint_every: ~\ntrain_size:\ntrack: [mlflow, comet]\n", NULL),
                     RT_OK);
    assert_false(e.seed.given || e.checkpoint_every.given || e.train_size.given);
    assert_string_equal(e.track, "mlflow,comet");
}

/* The published base configuration, as it stands. */
static void test_published_file(void **state)
{
    static const char published[] =
        "batch_size: 128\ncheckpoint_dir: checkpoints/MLP1\ncheckpoint_every: null\n"
        "comet_project: deep-learning-generalization\nconfig: experiments/MLP1/MLP1_0.0_none.yaml\ncurve: "
        "false\n"
        "data_corruption_type: none\ndevice: cuda\nexperiment_key: null\nexperiment_name: "
        "MLP1_0.0_none\nfigure1: true\n"
        "interp_reached: false\nlabel_corruption_prob: 0.0\nlearning_rate: 0.01\nlog_every: 50\nlr_decay: "
        "0.95\n"
        "model_name: MLP1\nmomentum: 0.9\nnum_epochs: 10\nnum_workers: 2\nresume_checkpoint: null\nseed: 42\n"
        "weight_decay: 0.0\n";
    struct rt_experiment e, builtin;

    (void)state;
    assert_int_equal(parse(&e, published, NULL), RT_OK);
    assert_int_equal(rt_experiment_builtin(&builtin, "MLP1_0.0_none", NULL), RT_OK);
    assert_null(rt_experiment_difference(&e, &builtin, "device checkpoint_dir config num_epochs"));
    assert_string_equal(rt_experiment_difference(&e, &builtin, "device checkpoint_dir config"), "num_epochs");
}

struct refused_row {
    const char *edge, *yaml, *message;
};

static const struct refused_row refused[] = {
    {"unknown key, near", "seed: 1\nlearning_rat: 0.1\n",
     "f.yaml:2:1: unknown key 'learning_rat'; did you mean 'learning_rate'?"},
    {"unknown key, far", "colour: red\n",
     "f.yaml:1:1: unknown key 'colour' ('rethink config --keys' lists them)"},
    {"a control character in the unknown key", "\"col\\e[31m\": red\n", "f.yaml:1:1: unknown key 'col?[31m'"},
    {"text for a number", "seed: 1\nlearning_rate:  fast\n",
     "f.yaml:2:17: learning_rate: expected a number from 0 to 1000, got 'fast'"},
    {"quoted number", "batch_size: '128'\n",
     "f.yaml:1:13: batch_size: expected a whole number from 1 to 60000, got the quoted text '128'"},
    {"real for a whole number", "batch_size: 128.0\n", "got '128.0'"},
    {"yes for true", "curve: yes\n", "f.yaml:1:8: curve: expected true or false, got 'yes'"},
    {"null for a number", "momentum: null\n", "momentum: expected a number from 0 to below 1, got 'null'"},
    {"nothing for a number", "momentum:\n", "f.yaml:1:10: momentum"},
    {"null for a text", "comet_project: null\n", "expected a text, got 'null'"},
    {"empty text", "comet_project: ''\n", "expected a text, got the quoted text ''"},
    {"number for a text", "comet_project: 12\n", "expected a text, got '12'"},
    {"list for a number", "seed: [1]\n",
     "f.yaml:1:7: seed: expected null or a whole number from 0 to 4294967295, got a list"},
    {"below the range", "label_corruption_prob: -0.1\n",
     "f.yaml:1:24: label_corruption_prob: expected a number from 0 to 1, got '-0.1'"},
    {"above the range", "label_corruption_prob: 1.0000001\n", "expected a number from 0 to 1"},
    {"NaN", "label_corruption_prob: .nan\n", "expected a number from 0 to 1, got '.nan'"},
    {"infinite", "learning_rate: .inf\n", "got '.inf'"},
    {"overflowing real", "learning_rate: 1e999\n", "got '1e999'"},
    {"open end of a range", "dropout: 1.0\n", "dropout: expected a number from 0 to below 1, got '1.0'"},
    {"open start of a range", "lr_decay: 0.0\n", "lr_decay: expected a number above 0 and up to 1, got '0.0'"},
    {"no epoch", "num_epochs: 0\n", "expected a whole number from 1 to"},
    {"seed beyond 32 bits", "seed: 4294967296\n", "got '4294967296'"},
    {"seed beyond 64 bits", "seed: 99999999999999999999999\n", "got '99999999999999999999999'"},
    {"octal-looking", "seed: 010\n", "got '010'"},
    {"unknown word, near", "data_corruption_type: shuf_pix\n",
     "expected one of none, shuff_pix, rand_pix, gauss_pix, got 'shuf_pix'; did you mean 'shuff_pix'?"},
    {"unknown scheduler", "scheduler: multistep\n", "got 'multistep'; did you mean 'multi-step'?"},
    {"a name that leaves the folder", "experiment_name: ../x\n",
     "f.yaml:1:18: experiment_name: expected a name fit for a folder"},
    {"a hidden name", "experiment_name: .x\n", "expected a name"},
    {"a name like an option", "experiment_name: -x\n", "expected a name"},
    {"a model that leaves the folder", "model_name: a/b\n", "model_name: expected a name, got 'a/b'"},
    {"milestones that do not increase", "milestones: [10, 10]\n",
     "f.yaml:1:18: milestones: expected a list of increasing whole numbers"},
    {"too many milestones", "milestones: [1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17]\n", "got '17'"},
    {"a text in the list", "milestones:\n  - 10\n  - x\n", "f.yaml:3:5: milestones"},
    {"a number as tracker", "track: [12]\n", "f.yaml:1:9: track: expected a list of words, got '12'"},
    {"no keys", "# nothing\n", "f.yaml holds no keys"},
    {"an empty file", "", "f.yaml holds no keys"},
};

static void test_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        struct rt_experiment e = {.batch_size = 7};
        struct rt_error err = {0};

        if (parse(&e, refused[i].yaml, &err) != RT_ECONFIG || !strstr(err.message, refused[i].message))
            fail_msg("%s: '%s'", refused[i].edge, err.message);
        assert_int_equal(e.batch_size, 7); /* untouched */
    }
}

static void test_long_values(void **state)
{
    struct rt_experiment e;
    char yaml[2 * RT_TEXT_MAX];
    struct rt_error err;

    (void)state;
    for (int length = RT_TEXT_MAX - 1; length <= RT_TEXT_MAX; length++) { /* what just fits, and one more */
        memcpy(yaml, "comet_project: ", 15);
        memset(yaml + 15, 'x', (size_t)length);
        yaml[15 + length] = '\0';
        assert_int_equal(parse(&e, yaml, &err), length < RT_TEXT_MAX ? RT_OK : RT_ECONFIG);
    }
    assert_true(strlen(err.message) < 200); /* the value is cut */
}

static void test_assignments(void **state)
{
    struct rt_experiment e;
    struct rt_error err = {0};

    (void)state;
    assert_int_equal(rt_experiment_builtin(&e, "MLP1_0.0_none", NULL), RT_OK);
    assert_int_equal(rt_experiment_set(&e, "seed=null", NULL), RT_OK);
    assert_false(e.seed.given);
    assert_string_equal(e.experiment_name, "MLP1_0.0_none");
    assert_int_equal(rt_experiment_set(&e, "label_corruption_prob=.5", NULL), RT_OK);
    assert_string_equal(e.experiment_name, "MLP1_0.5_none"); /* follows */
    assert_int_equal(rt_experiment_set(&e, "experiment_name=mine", NULL), RT_OK);
    assert_int_equal(rt_experiment_set(&e, "label_corruption_prob=0.6", NULL), RT_OK);
    assert_string_equal(e.experiment_name, "mine"); /* stays */
    assert_int_equal(rt_experiment_set(&e, "experiment_name=null", NULL), RT_OK);
    assert_string_equal(e.experiment_name, "MLP1_0.6_none");
    assert_true(rt_experiment_name_is_derived(&e));
    assert_int_equal(rt_experiment_set(&e, "figure1=false", NULL), RT_OK);
    assert_string_equal(e.experiment_name, "MLP1_bnTrue_0.6_none"); /* not another level's */
    assert_int_equal(rt_experiment_set(&e, "label_corruption_prob=0", NULL), RT_OK);
    assert_string_equal(e.experiment_name, "MLP1_bnTrue");
    assert_int_equal(rt_experiment_set(&e, "milestones=5,10,  15", NULL), RT_OK);
    assert_int_equal(e.milestone_count, 3);
    assert_int_equal(rt_experiment_set(&e, "milestones=[7]", NULL), RT_OK);
    assert_int_equal(e.milestones[0], 7);
    assert_int_equal(rt_experiment_set(&e, "track=", NULL), RT_OK);
    assert_string_equal(e.track, "");
    assert_int_equal(rt_experiment_set(&e, "comet_project=\"a: b # c\"", NULL), RT_OK);
    assert_string_equal(e.comet_project, "a: b # c");

    assert_int_equal(rt_experiment_set(&e, "seed", &err), RT_EUSAGE);
    assert_int_equal(rt_experiment_set(&e, "=1", &err), RT_EUSAGE);
    assert_int_equal(rt_experiment_set(&e, "sead=1", &err), RT_ECONFIG);
    assert_string_equal(err.message, "--set: unknown key 'sead'; did you mean 'seed'?");
    assert_int_equal(rt_experiment_set(&e, "seed=-1", &err), RT_ECONFIG);
    assert_int_equal(rt_experiment_set(&e, "seed=1\nmomentum: 0", &err), RT_ECONFIG); /* two lines */
    assert_int_equal(rt_experiment_set(&e, "seed=a: b", &err), RT_ECONFIG);
    assert_int_equal(rt_experiment_set(&e, "milestones=5,,6", &err), RT_ECONFIG);
    assert_int_equal(e.milestone_count, 1); /* untouched by what was refused */
}

static void test_check(void **state)
{
    static const struct {
        const char *edge, *settings[3];
        int rc;
    } rows[] = {
        {"multi-step without milestones", {"scheduler=multi-step", "milestones=[]", NULL}, RT_ECONFIG},
        {"augmented and scrambled", {"augment=true", "data_corruption_type=rand_pix", NULL}, RT_ECONFIG},
        {"augmented, random labels", {"augment=true", "label_corruption_prob=1", NULL}, RT_OK},
        {"no batch norm to leave out", {"bn=false", NULL, NULL}, RT_ECONFIG},
        {"batch norm left out", {"model_name=Inception", "bn=false", NULL}, RT_OK},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct rt_experiment e;

        assert_int_equal(rt_experiment_builtin(&e, "MLP1_0.0_none", NULL), RT_OK);
        for (int j = 0; rows[i].settings[j]; j++)
            assert_int_equal(rt_experiment_set(&e, rows[i].settings[j], NULL), RT_OK);
        if (rt_experiment_check(&e, NULL) != rows[i].rc)
            fail_msg("%s", rows[i].edge);
    }
}

/* Texts that YAML could take for something else, or that it cannot hold as they are. */
static void test_texts_round_trip(void **state)
{
    static const char *const texts[] = {
        "plain",
        "null",
        "true",
        "yes",
        "12",
        "1e5",
        ".5",
        "-",
        "- a",
        "a: b",
        "a #b",
        "'",
        "\"",
        "\\",
        " a ",
        "caf\xc3\xa9",
        "\xef\xbb\xbf",
        "\xf0\x9f\x98\x80",
        "*a",
        "&a",
        "!x",
        "%",
        "@",
        "`",
        "{",
        "[",
        "|",
        ">",
        "?",
        "~",
        "=",
        "<<",
        "2001-01-01",
        "0x10",
        "010",
        "1:30",
    };

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct rt_experiment e, again;
        struct rt_error err = {0};
        char *yaml;

        rt_experiment_defaults(&e);
        memset(e.comet_project, 0, sizeof e.comet_project);
        assert_true(rt_copy_text(e.comet_project, sizeof e.comet_project, texts[i]));
        assert_int_equal(rt_experiment_format(&e, &yaml, NULL), RT_OK);
        if (parse(&again, yaml, &err) || strcmp(again.comet_project, texts[i]) != 0)
            fail_msg("'%s': %s", texts[i], err.message);
        rt_free(&yaml);
    }
}

/* A text with control characters could break a line of whatever shows it: none is taken. */
static void test_controls_refused(void **state)
{
    static const char *const texts[] = {"a\\nb", "\\x01", "\\x7f", "\\u2028", "\\u202e", "\\x85", "\\e[31m"};

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct rt_experiment e;
        struct rt_error err = {0};
        char yaml[64];

        snprintf(yaml, sizeof yaml, "comet_project: \"%s\"\n", texts[i]);
        if (parse(&e, yaml, &err) != RT_ECONFIG || !strstr(err.message, "comet_project"))
            fail_msg("\"%s\": %s", texts[i], err.message);
    }
}

/* What YAML 1.1 takes for true or a date is quoted, for readers that follow it. */
static void test_quoted_for_other_readers(void **state)
{
    static const char *const texts[] = {"yes", "Off", "n", "null", "1.5", "0x10", "1_000", "-x", "a b", ""};

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct rt_experiment e;
        char value[RT_TEXT_MAX], wanted[RT_TEXT_MAX];

        rt_experiment_defaults(&e);
        assert_true(rt_copy_text(e.comet_project, sizeof e.comet_project, texts[i]));
        assert_true(rt_experiment_value(&e, "comet_project", value, sizeof value));
        snprintf(wanted, sizeof wanted, "\"%s\"", texts[i]);
        assert_string_equal(value, wanted);
    }
}

static void test_bad_bytes_are_written_harmlessly(void **state)
{
    struct rt_experiment e;
    char *yaml;

    (void)state;
    rt_experiment_defaults(&e);
    assert_true(rt_copy_text(e.resume_checkpoint, sizeof e.resume_checkpoint, "cut \xe2\x82")); /* no UTF-8 */
    assert_int_equal(rt_experiment_format(&e, &yaml, NULL), RT_OK);
    rt_free(&yaml);
}

static void test_read_and_where(void **state)
{
    const char *const path = in_scratch(state, "my.yaml");
    struct rt_experiment e;
    struct rt_error err = {0};
    int line = 0, column = 0;
    static const char yaml[] = "seed: 3\n\nmodel_name:   WRN\n";

    assert_int_equal(rt_file_write_all(path, yaml, sizeof yaml - 1, NULL), RT_OK);
    assert_int_equal(rt_experiment_read(&e, path, NULL), RT_OK);
    assert_string_equal(e.experiment_name, "WRN_0.0_none");
    assert_true(rt_experiment_where(path, "model_name", &line, &column));
    assert_int_equal(line, 3);
    assert_int_equal(column, 15);
    assert_false(rt_experiment_where(path, "momentum", &line, &column));
    assert_false(rt_experiment_where(in_scratch(state, "none"), "seed", &line, &column));
    assert_int_equal(rt_experiment_read(&e, in_scratch(state, "none"), &err), RT_EIO);
    assert_int_equal(rt_file_write_all(path, "seed: x", 7, NULL), RT_OK);
    assert_int_equal(rt_experiment_read(&e, path, &err), RT_ECONFIG);
    assert_memory_equal(err.message, path, strlen(path));
}

/* A built-in experiment with a value silently missing would train something else: making one takes no memory,
 * so none can be refused. */
static void builtin_needs_no_memory(void **state)
{
    struct rt_experiment experiment;
    struct rt_error err;
    uint64_t before;

    (void)state;
    for (int i = 0; i < rt_experiment_builtin_count(); i++) {
        const char *const name = rt_experiment_builtin_name(i);

        before = rt_alloc_count();
        assert_int_equal(rt_experiment_builtin(&experiment, name, &err), RT_OK);
        assert_int_equal(rt_alloc_count(), before);
        assert_string_equal(experiment.experiment_name, name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(builtin_needs_no_memory),
        cmocka_unit_test(test_defaults_are_valid),
        cmocka_unit_test(test_published_defaults),
        cmocka_unit_test(test_builtins),
        cmocka_unit_test(test_models_agree),
        cmocka_unit_test(test_file_over_defaults),
        cmocka_unit_test(test_published_file),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_long_values),
        cmocka_unit_test(test_assignments),
        cmocka_unit_test(test_check),
        cmocka_unit_test(test_texts_round_trip),
        cmocka_unit_test(test_controls_refused),
        cmocka_unit_test(test_quoted_for_other_readers),
        cmocka_unit_test(test_bad_bytes_are_written_harmlessly),
        cmocka_unit_test_setup_teardown(test_read_and_where, scratch_make, scratch_remove),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
