/* metrics.csv reads back as it was written and names the line at fault; the progress line fits its terminal. */
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
#include "base/path.h"
#include "support/scratch.h"
#include "track/bar.h"
#include "track/metrics.h"

/* As an older version wrote it, and this one's. */
#define HEADER "step,epoch,batch,train_loss,train_acc,test_loss,test_acc,learning_rate,wall_s,cpu_s\n"
#define OWN_HEADER                                                                                             \
    "step,epoch,batch,train_loss,train_acc,test_loss,test_acc,train_acc_clean,train_memorised,"                \
    "train_recovered,test_loss_true,test_acc_true,learning_rate,wall_s,cpu_s\n"

static char path[RT_PATH_MAX], folder[RT_PATH_MAX];

static int read_text(struct rt_metrics_log *log, const char *text, size_t size, struct rt_error *err)
{
    assert_int_equal(rt_file_write_all(path, text, size, NULL), 0);
    return rt_metrics_read(log, folder, err);
}

static void reads_back(void **state)
{
    const struct rt_log_point point = {
        .step = 12,
        .epoch = 2,
        .batch = 40,
        .scores.train_loss = 2.30951834,
        .scores.train_acc = 0.109375,
        .scores.test_loss = NAN,
        .scores.test_acc = NAN,
        .scores.train_acc_clean = 0.75,
        .scores.train_memorised = 0,
        .scores.train_recovered = NAN,
        .scores.test_loss_true = NAN,
        .scores.test_acc_true = 0.5,
        .learning_rate = 0.01,
        .wall_s = 1.25,
        .cpu_s = 2.5,
    };
    const struct rt_metrics_layout own = rt_metrics_own_layout();
    char text[2 * RT_METRICS_ROW_MAX];
    size_t size = rt_metrics_format_header(text);
    struct rt_metrics_log log;

    (void)state;
    size += rt_metrics_format_row(&own, &point, text + size);
    assert_memory_equal(text, OWN_HEADER "12,2,40,2.30951834,0.109375,,,0.75,0,,,0.5,0.01,1.250,2.500\n", size);
    assert_int_equal(read_text(&log, text, size, NULL), 0);
    assert_int_equal(log.count, 1);
    assert_true(log.points[0].scores.train_loss == 2.30951834 && log.points[0].wall_s == 1.25 &&
                log.points[0].batch == 40 && isnan(log.points[0].scores.test_loss));
    rt_metrics_free(&log);
}

/* As a spreadsheet saves "CSV UTF-8". */
static void passes_over_a_byte_order_mark(void **state)
{
    static const char text[] = "\xef\xbb\xbf" HEADER "0,1,0,2.3,0.1,,,0.01,1.250,2.500\n";
    struct rt_metrics_log log;

    (void)state;
    assert_int_equal(read_text(&log, text, sizeof text - 1, NULL), 0);
    assert_int_equal(log.count, 1);
    rt_metrics_free(&log);
}

static void keeps_a_loss_that_diverged(void **state)
{
    struct rt_log_point point = {
        .epoch = 1, .scores.train_loss = -NAN, .scores.test_loss = NAN, .scores.test_acc = 0.1};
    const struct rt_metrics_layout own = rt_metrics_own_layout();
    char text[2 * RT_METRICS_ROW_MAX];
    size_t size = rt_metrics_format_header(text);
    struct rt_metrics_log log;

    (void)state;
    size += rt_metrics_format_row(&own, &point, text + size);
    assert_non_null(strstr(text, "\n0,1,0,nan,0,nan,0.1,"));
    assert_int_equal(read_text(&log, text, size, NULL), 0);
    assert_true(isnan(log.points[0].scores.train_loss));
    rt_metrics_free(&log);
}

static void names_the_line(void **state)
{
    static const struct {
        const char *text, *why;
    } rows[] = {
        {"", ":1: not the header"},                                                  /* nothing at all */
        {"step,epoch\n0,1\n", ":1: not the header"},                                 /* another table */
        {"step,epoch,batch,train_acc,learning_rate,wall_s\n", ":1: not the header"}, /* no metric may lack */
        {"step,epoch,batch,new_acc,learning_rate,wall_s,cpu_s\n",
         ":1: a column that this program does not know"},
        {"step,epoch,batch,train_ac,learning_rate,wall_s,cpu_s\n", ":1: a column that this"}, /* a prefix */
        {"step,epoch,batch,learning_rate,wall_s,cpu_s,\n", ":1: a column that this"},
        {"step,epoch,batch,wall_s,learning_rate,wall_s,cpu_s\n", ":1: a column that was there before"},
        {"step,epoch,batch,learning_rate,wall_s,cpu_s", ":1: not the header"}, /* still being written */
        {HEADER "0,1,0,1,1,,,1,1,1\n0,1,0,1,1,,,1,1,1\n", ":3: steps must increase"},
        {HEADER "x,1,0,1,1,,,1,1,1\n", ":2: expected a whole number"},
        {HEADER "-1,1,0,1,1,,,1,1,1\n", ":2: expected a whole number"},
        {HEADER "99999999999999999999,1,0,1,1,,,1,1,1\n", ":2: expected a whole number"},
        {HEADER "0,3000000000,0,1,1,,,1,1,1\n", ":2: out of the range"}, /* no int */
        {HEADER "0,1,0,1x,1,,,1,1,1\n", ":2: expected a number"},
        {HEADER "0,1,0, 1,1,,,1,1,1\n", ":2: expected a number"},  /* strtod would skip it */
        {HEADER "0,1,0,1,1,,,1,1\n", ":2: expected a number"},     /* a column short */
        {HEADER "0,1,0,1,1,,,1,1,1,1\n", ":2: expected a number"}, /* one too many */
        {HEADER "\n", ":2: expected a whole number"},
        {HEADER "9223372036854775807,1,0,1,1,,,1,1,1\n", ":2: out of the range"}, /* + 1 overflows */
        {HEADER "0,0,0,1,1,,,1,1,1\n", ":2: out of the range"},                   /* epochs begin at 1 */
        {HEADER "0,1,60001,1,1,,,1,1,1\n", ":2: out of the range"},
        {HEADER "0,1,0,1,1,,,1,1.7e308,1\n", ":2: out of the range"}, /* 309 digits of seconds */
        {HEADER "0,1,0,1,1,,,1,nan,1\n", ":2: out of the range"},
        {HEADER "0,1,0,1,2,,,1,1,1\n", ":2: out of the range"}, /* an accuracy */
        {HEADER "0,1,0,-9,1,,,1,1,1\n", ":2: out of the range"},
        {HEADER "0,1,0,0x1p3,1,,,1,1,1\n", ":2: expected a number"}, /* strtod would take it */
        {HEADER "0,1,0,nan(0),1,,,1,1,1\n", ":2: expected a number"} /* likewise */,
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct rt_metrics_log log = {.count = 77};
        struct rt_error err;

        if (read_text(&log, rows[i].text, strlen(rows[i].text), &err) != RT_EDATA ||
            !strstr(err.message, path) || !strstr(err.message, rows[i].why))
            fail_msg("row %zu: %s", i, err.message);
        assert_int_equal(log.count, 77); /* untouched */
    }
}

/* A program whose list of metrics was shorter, or had another order. */
static void reads_older_columns(void **state)
{
    static const char text[] = "step,epoch,batch,learning_rate,train_acc,wall_s,cpu_s\n"
                               "0,1,0,0.01,0.5,1.250,2.500\n"
                               "1,1,4,0.01,nan,1.250,3.500\n";
    struct rt_metrics_layout layout;
    struct rt_metrics_log log;
    struct rt_log_point last;
    char row[RT_METRICS_ROW_MAX + 1];

    (void)state;
    assert_int_equal(read_text(&log, text, sizeof text - 1, NULL), 0);
    assert_int_equal(log.count, 2);
    assert_true(log.points[0].learning_rate == 0.01 && log.points[0].scores.train_acc == 0.5);
    assert_true(isnan(log.points[0].scores.train_loss) && isnan(log.points[0].scores.test_acc));
    assert_true(rt_metrics_read_last(&last, folder));
    assert_true(last.step == 1 && last.cpu_s == 3.5 && isnan(last.scores.train_loss));

    assert_int_equal(rt_metrics_read_layout(&layout, folder, NULL), 0);
    assert_true(rt_metrics_layout_has(&layout, "train_acc") && !rt_metrics_layout_has(&layout, "train_loss"));
    row[rt_metrics_format_row(&layout, &log.points[0], row)] = '\0';
    assert_string_equal(row, "0,1,0,0.01,0.5,1.250,2.500\n"); /* as a resumed run goes on */
    rt_metrics_free(&log);
}

static void leaves_out_an_unfinished_line(void **state)
{
    static const char *const texts[] = {HEADER, HEADER "0,1,0,1,1,,,1,1,1\n1,1,4",
                                        HEADER "0,1,0,1,1,,,1,1,1\n1,1,4,1,1,,,1,1,1"};

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct rt_metrics_log log;

        assert_int_equal(read_text(&log, texts[i], strlen(texts[i]), NULL), 0);
        assert_int_equal(log.count, i ? 1 : 0);
        rt_metrics_free(&log);
    }
}

static void refuses_a_nul(void **state)
{
    static const char text[] = HEADER "0,1,0,1,1,,,1,1,1\n\0"
                                      "1,1,4,1,1,,,1,1,1\n";
    struct rt_metrics_log log;

    (void)state;
    assert_int_equal(read_text(&log, text, sizeof text - 1, NULL), RT_EDATA);
}

static const struct rt_log_point seventh = {.epoch = 21,
                                            .batch = 194,
                                            .batches = 391,
                                            .scores.train_acc = 0.5617,
                                            .scores.train_loss = 1.3421,
                                            .scores.test_loss = NAN,
                                            .scores.test_acc = NAN};

/* As tqdm draws it, as much as there is room for: 194 of 391 batches and one more, after a second. */
static void draws_the_published_line(void **state)
{
    static const struct {
        int columns;
        const char *line;
    } rows[] = {
        {130, "epoch 21 of ~102:  49%|########          | 195/391 "
              "[00:01<00:01, run 03:20 left, 195.00batch/s, train_acc=0.562, train_loss=1.34]"},
        {100,
         "21/~102:  49%|#####       | 195/391 [00:01<00:01, run 03:20 left, train_acc=0.562, train_loss=1.34]"},
        {80, "21/~102:  49% [00:01<00:01, run 03:20 left, train_acc=0.562, train_loss=1.34]"},
        {60, "21/~102:  49%|#####       | 195/391 [00:01, run 03:20 left]"},
        {48, "21/~102:  49% 195/391 [00:01, run 03:20 left]"},
        {40, "21/~102:  49% [00:01, run 03:20 left]"},
        {20, "21/~102:  49%"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct rt_bar bar = {.columns = rows[i].columns,
                                   .elapsed_s = 1,
                                   .done = 195,
                                   .epochs = 102,
                                   .estimated = true,
                                   .run_s = 200};
        char line[512];

        rt_bar_format(&bar, &seventh, line, sizeof line);
        assert_string_equal(line, rows[i].line);
    }
}

static void fits_every_width(void **state)
{
    (void)state;
    for (int columns = 1; columns <= 300; columns++) {
        const struct rt_bar bar = {
            .columns = columns, .elapsed_s = 4000, .done = 195, .epochs = 200, .run_s = 1e6};
        char line[512];

        rt_bar_format(&bar, &seventh, line, sizeof line);
        assert_true(strlen(line) < (size_t)(columns > 1 ? columns : 100)); /* a full line would wrap */
        if (columns >= 44)                                                 /* days are longer */
            assert_non_null(strstr(line, ", run 277:46:40 left"));
    }
}

static void has_no_rate_at_first(void **state)
{
    const struct rt_bar bar = {.columns = 100, .elapsed_s = 0, .done = 1, .epochs = 200, .run_s = NAN};
    char line[512];

    (void)state;
    rt_bar_format(&bar, &seventh, line, sizeof line);
    assert_null(strstr(line, "inf"));
    assert_null(strstr(line, "nan"));
    assert_non_null(strstr(line, "<?"));
}

static int set_up(void **state)
{
    return scratch_make(state) || rt_path_join(path, *state, "metrics.csv", NULL) ||
                   rt_path_join(folder, "", *state, NULL)
               ? -1
               : 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_back),
        cmocka_unit_test(passes_over_a_byte_order_mark),
        cmocka_unit_test(keeps_a_loss_that_diverged),
        cmocka_unit_test(names_the_line),
        cmocka_unit_test(reads_older_columns),
        cmocka_unit_test(leaves_out_an_unfinished_line),
        cmocka_unit_test(refuses_a_nul),
        cmocka_unit_test(draws_the_published_line),
        cmocka_unit_test(fits_every_width),
        cmocka_unit_test(has_no_rate_at_first),
    };

    return cmocka_run_group_tests(tests, set_up, scratch_remove);
}
