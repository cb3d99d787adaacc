/* Conditions on runs, the keys that differ, and what several runs say together. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/escape.h"
#include "config/builtin.h"
#include "runs/statistics.h"
#include "runs/where.h"

static struct rt_record make_run(const char *experiment, const char *setting)
{
    struct rt_record run = {.has_config = true, .has_result = true, .state = "finished"};

    assert_int_equal(rt_experiment_builtin(&run.experiment, experiment, NULL), RT_OK);
    if (setting)
        assert_int_equal(rt_experiment_set(&run.experiment, setting, NULL), RT_OK);
    snprintf(run.name, sizeof run.name, "%s", experiment);
    run.result.final = rt_scores_none();
    run.result.final.test_acc = 0.25;
    run.result.epochs = 7;
    return run;
}

static void test_conditions(void **state)
{
    (void)state;
    static const struct {
        const char *where;
        bool matches;
    } rows[] = {
        {"model_name=MLP1", true},
        {"model_name=MLP1,label_corruption_prob>=0.5", true},
        {"model_name=MLP1,label_corruption_prob>0.5", false}, /* all must hold */
        {"label_corruption_prob=.5", true},                   /* as a number, not as a text */
        {"label_corruption_prob==0.50", true},                /* as C writes it */
        {" epochs <= 7 , epochs >= 7 ", true},                /* spaces */
        {"epochs!=7", false},
        {"milestones=[100, 200],bn=true", true}, /* a comma in brackets */
        {"run='MLP1_0.5_none'", true},           /* quoted */
        {"train_size=null", true},               /* what has no value */
        {"train_size<10", false},
        {"train_size!=10", true},
        {"threshold=null", true}, /* not reached */
        {"threshold<1000", false},
        {"test_accuracy=0.25,test_acc=0.25,test_error=0.75", true}, /* both names of a metric */
        {"test_loss=null", true},                                   /* not measured */
        {"state=finished,scheduler=multi-step", true},
    };
    const struct rt_record run = make_run("MLP1_0.5_none", NULL);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct rt_where where = {0};
        struct rt_error err = {0};
        assert_int_equal(rt_where_parse(&where, rows[i].where, &err), RT_OK);
        if (rt_where_matches(&where, &run) != rows[i].matches)
            fail_msg("%s", rows[i].where);
    }
}

static void test_bad_conditions(void **state)
{
    (void)state;
    static const struct {
        const char *where, *says;
    } rows[] = {
        {"", "expected COLUMN"},
        {"batch_size", "expected COLUMN"},
        {"=3", "expected COLUMN"},
        {"bn=true,", "expected COLUMN"},
        {"batch_sise=3", "did you mean 'batch_size'?"},
        {"batch_size=", "a value is missing"},
        {"model_name<MLP3", "compares numbers"},
        {"epochs>many", "compares numbers"},
        {"epochs=many", "is a number"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct rt_where where = {0};
        struct rt_error err = {0};
        assert_int_equal(rt_where_parse(&where, rows[i].where, &err), RT_EUSAGE);
        if (!strstr(err.message, rows[i].says) || strchr(err.message, '\n'))
            fail_msg("%s: %s", rows[i].where, err.message);
    }
}

static bool differs(const struct rt_record *a, const struct rt_record *b, const char *names)
{
    const struct rt_record *const runs[] = {a, b};
    const struct rt_key *keys[RT_PROPERTIES_MAX];
    const int count = rt_keys_that_differ(runs, 2, rt_key_is_shown, keys);
    struct rt_text text = {0};
    for (int i = 0; i < count; i++)
        rt_text_printf(&text, "%s%s", i ? " " : "", keys[i]->name);
    const bool equal = !strcmp(rt_text_string(&text), names);
    if (!equal)
        print_error("%s\n", rt_text_string(&text));
    rt_text_free(&text);
    return equal;
}

static void test_keys_that_differ(void **state)
{
    (void)state;
    const struct rt_record base = make_run("MLP1_0.5_none", NULL);
    const struct rt_record rate = make_run("MLP1_0.5_none", "learning_rate=0.02");
    const struct rt_record name = make_run("MLP1_0.5_none", "experiment_name=other");
    const struct rt_record model = make_run("Inception_0.5_none", NULL),
                           level = make_run("MLP1_0.7_none", NULL);
    assert_true(differs(&base, &rate, "learning_rate"));
    assert_true(differs(&base, &name, "")); /* a name is a label */
    assert_true(differs(&base, &level, "label_corruption_prob"));
    assert_true(differs(&base, &model, "model_name")); /* its rate and schedule follow from it */
}

/* 1, 2, 4, 8: mean 3.75, deviation sqrt(sum of squares 28.75 / 3), t(3) = 3.1824. */
static void test_summary(void **state)
{
    (void)state;
    const struct rt_summary four = rt_summarize((const double[]){1, 2, 4, 8}, 4);
    assert_true(fabs(four.mean - 3.75) <= 1e-12);
    assert_true(fabs(four.deviation - sqrt(28.75 / 3)) <= 1e-12);
    assert_true(fabs(four.half_width - 3.1824 * sqrt(28.75 / 3 / 4)) <= 1e-12);
    const struct rt_summary one = rt_summarize((const double[]){5}, 1);
    assert_true(one.mean == 5 && isnan(one.deviation) && isnan(one.half_width));
}

static void test_escaping(void **state)
{
    (void)state;
    static const struct {
        void (*escape)(struct rt_text *out, const char *text);
        const char *text, *escaped;
    } rows[] = {
        {rt_escape_csv, "a\"b,c\n", "\"a\"\"b,c?\""},
        {rt_escape_gnuplot, "it's \\n", "'it''s \\n'"},
        {rt_escape_markdown, "a|b_c<\x1b", "a\\|b\\_c\\<?"},
        {rt_escape_latex, "[1]*", "{[}1]{*}"}, /* a row's first cell: "\\\\ [" asks for a length */
        {rt_escape_latex, "50%_{a}\\&~", "50\\%\\_\\{a\\}\\textbackslash{}\\&\\textasciitilde{}"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct rt_text text = {0};
        rows[i].escape(&text, rows[i].text);
        assert_string_equal(rt_text_string(&text), rows[i].escaped);
        rt_text_free(&text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_conditions),       cmocka_unit_test(test_bad_conditions),
        cmocka_unit_test(test_keys_that_differ), cmocka_unit_test(test_summary),
        cmocka_unit_test(test_escaping),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
