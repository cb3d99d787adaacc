/* What a person watching the run sees: lines like the published ones (through base/log, which also keeps them
 * in log.txt), and in between a progress line that is redrawn on a terminal and now and then a plain one
 * elsewhere. */
#include <inttypes.h>
#include <langinfo.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/path.h"
#include "track/bar.h"
#include "track/recorder.h"

/* Seconds between two redraws of the bar; between two plain lines, at an epoch's end and within it. */
#define REDRAW_S 0.1
#define EPOCH_LINE_S 1.0
#define BATCH_LINE_S 30.0

struct rt_recorder {
    const struct rt_run_info *info;
    bool terminal, colour, unicode;
    double start_s, heard_s;   /* of this session; of the last event */
    double epoch_s;            /* when this epoch began, in this session */
    int epoch, first_batch;    /* that epoch, and the first batch seen of it */
    int64_t batches;           /* heard of in this session */
    int columns;               /* of the terminal when the bar was last drawn */
    double shown_s;            /* when a progress line was last shown */
    struct rt_scores measured; /* the last ones of this epoch that are not running means, or NaN */
    struct rt_log_point last;  /* the last one logged */
};

static int terminal_columns(void)
{
    struct winsize size;

    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) || !size.ws_col ? 80 : size.ws_col;
}

static bool is_utf8(void)
{
    const locale_t locale = newlocale(LC_CTYPE_MASK, "", (locale_t)0);
    bool utf8;

    if (!locale)
        return false;
    utf8 = !strcmp(nl_langinfo_l(CODESET, locale), "UTF-8");
    freelocale(locale);
    return utf8;
}

static void say_labels(const struct rt_label_counts *train, const struct rt_label_counts *test)
{
    if (!train->images || !test->images)
        return;
    rt_log_info("Wrong labels: %lld of %lld training images (%.2f %%), %lld of %lld test images (%.2f %%)",
                (long long)train->changed, (long long)train->images,
                100 * (double)train->changed / (double)train->images, (long long)test->changed,
                (long long)test->images, 100 * (double)test->changed / (double)test->images);
    for (int i = 0; i < RT_CLASSES && train->changed + test->changed; i++) {
        char buffer[256];
        struct rt_text row = rt_text_in(buffer, sizeof buffer);

        for (int j = 0; j < RT_CLASSES; j++)
            rt_text_printf(&row, " %6lld", (long long)train->transitions[i][j]);
        rt_log_detail("Training images of class %d, by given label:%s", i, buffer);
    }
}

static void say_start(const struct rt_run_info *info)
{
    const struct rt_experiment *experiment = info->experiment;

    rt_log_info("Running %s", experiment->experiment_name);
    rt_log_detail("%lld parameters, %d batches of %lld an epoch, engine %s (%s), %" PRId64 " thread%s",
                  (long long)info->provenance->parameters, info->batches_per_epoch,
                  (long long)experiment->batch_size, info->provenance->engine, info->provenance->target,
                  info->provenance->threads, info->provenance->threads == 1 ? "" : "s");
    rt_log_detail("Data %s, digest %.12s, as seen %.12s", info->provenance->data.name,
                  info->provenance->data.digest, info->provenance->data.corruption_digest);
    say_labels(&info->provenance->data.train_labels, &info->provenance->data.test_labels);
    if (!info->resumed)
        return;
    rt_log_info("Loading checkpoint: %s/%s", info->run_dir, experiment->resume_checkpoint);
    rt_log_info("Resuming training from epoch %d, step %lld, previous runtime %.2fs", info->start_epoch,
                (long long)info->start_step, info->start_wall_s);
}

static int console_start(struct rt_recorder **recorder, const struct rt_run_info *info, struct rt_error *err)
{
    const char *no_colour = getenv("NO_COLOR"), *term = getenv("TERM");
    struct rt_recorder *console;

    RT_TRY(rt_alloc(recorder, 1, sizeof **recorder, "the console recorder", err));
    console = *recorder;
    console->info = info;
    console->terminal = isatty(STDERR_FILENO) && !(term && !strcmp(term, "dumb")) && info->verbosity >= 0;
    console->colour = console->terminal && !(no_colour && *no_colour);
    console->unicode = is_utf8();
    console->start_s = console->heard_s = rt_clock_wall_s();
    console->shown_s = console->start_s;
    console->last = (struct rt_log_point){.step = info->start_step - 1, .epoch = info->start_epoch - 1};
    say_start(info);
    return RT_OK;
}

/* The first batch of an epoch has been trained when it is heard of: its time began at the event before. */
static void begin_epoch(struct rt_recorder *console, const struct rt_log_point *point)
{
    console->epoch = point->epoch;
    console->first_batch = point->batch;
    console->epoch_s = console->heard_s;
    console->measured = rt_scores_none();
}

/* The epoch that the run is expected to end with: where such runs stop, or when it has gone past that, its
 * last. */
static int64_t last_epoch(const struct rt_recorder *console, const struct rt_log_point *point)
{
    const int64_t expected = console->info->epochs_expected, most = console->info->experiment->num_epochs;

    return point->epoch > expected ? most : expected;
}

/* Left for the run at this session's pace. */
static double run_s(const struct rt_recorder *console, const struct rt_log_point *point)
{
    const double left = (double)(last_epoch(console, point) - point->epoch) * point->batches +
                        (point->batches - point->batch - 1);

    return left * (console->heard_s - console->start_s) / (double)console->batches;
}

static void draw_bar(struct rt_recorder *console, const struct rt_log_point *point, double now, bool last)
{
    const struct rt_bar bar = {.columns = console->columns,
                               .unicode = console->unicode,
                               .colour = console->colour,
                               .elapsed_s = now - console->epoch_s,
                               .done = point->batch - console->first_batch + 1,
                               .epochs = last_epoch(console, point),
                               .estimated = last_epoch(console, point) < console->info->experiment->num_epochs,
                               .run_s = run_s(console, point)};
    char line[1024];

    rt_bar_format(&bar, point, line, sizeof line);
    rt_log_redraw(line, last);
}

/* To stderr and the file, or to the file alone where the bar shows it better. */
static void write_plain(const struct rt_recorder *console, const struct rt_log_point *point)
{
    char buffer[512];
    struct rt_text text = rt_text_in(buffer, sizeof buffer);
    const char *line = buffer;
    const int64_t epochs = last_epoch(console, point);
    char left[RT_BAR_DURATION_MAX];

    rt_bar_duration(run_s(console, point), left);
    rt_text_printf(&text, "epoch %d of %s%lld: %d/%d [%.2fs, run %s left, ", point->epoch,
                   epochs < console->info->experiment->num_epochs ? "~" : "", (long long)epochs,
                   point->batch + 1, point->batches, point->wall_s, left);
    rt_scores_append_progress(&text, &point->scores);
    rt_text_append(&text, "]");
    if (console->terminal)
        rt_log_note("%s", line);
    else
        rt_log_info("%s", line);
}

/* Whether the terminal's width has changed since the bar was drawn; notes the new one. */
static bool is_resized(struct rt_recorder *console)
{
    const int before = console->columns;

    console->columns = terminal_columns();
    return console->columns != before;
}

static int console_progress(struct rt_recorder *console, const struct rt_log_point *point, struct rt_error *err)
{
    const bool last = point->batch + 1 == point->batches;
    const bool final = last && point->epoch == console->info->experiment->num_epochs;
    const bool resized = console->terminal && is_resized(console);
    const double now = rt_clock_wall_s(), since = now - console->shown_s;
    struct rt_log_point shown = *point;

    (void)err;
    if (point->epoch != console->epoch)
        begin_epoch(console, point);
    console->heard_s = now;
    console->batches++;
    for (int i = 0; i < RT_METRIC_COUNT; i++)
        if (!rt_metric_is_measured(&rt_metrics[i], &point->scores))
            rt_metric_set(&rt_metrics[i], &shown.scores, rt_metric_value(&rt_metrics[i], &console->measured));
    if (console->terminal ? last || since >= REDRAW_S || resized
                          : final || since >= (last ? EPOCH_LINE_S : BATCH_LINE_S)) {
        if (console->terminal)
            draw_bar(console, &shown, now, last);
        if (!console->terminal || last)
            write_plain(console, &shown);
        console->shown_s = now;
    }
    return RT_OK;
}

static int console_log(struct rt_recorder *console, const struct rt_log_point *point, struct rt_error *err)
{
    (void)err;
    console->last = *point;
    for (int i = 0; i < RT_METRIC_COUNT; i++)
        if (rt_metric_is_measured(&rt_metrics[i], &point->scores))
            rt_metric_set(&rt_metrics[i], &console->measured, rt_metric_value(&rt_metrics[i], &point->scores));
    return RT_OK;
}

static int console_threshold(struct rt_recorder *console, const struct rt_outcome *outcome,
                             struct rt_error *err)
{
    (void)err;
    rt_log_info("Zero-loss condition reached at epoch %lld after %.2fs", (long long)outcome->threshold_epoch,
                outcome->threshold_minutes * 60);
    rt_log_info("Test accuracy: %.1f%%", outcome->scores.test_acc * 100);
    if (!console->info->experiment->curve && console->info->experiment->figure1)
        rt_log_info("Interpolation threshold reached, and no need to continue, breaking training...");
    return RT_OK;
}

static int console_checkpoint(struct rt_recorder *console, const char *path, int epoch, struct rt_error *err)
{
    (void)err;
    rt_log_info("Saved checkpoint %s at epoch %d, step %lld, runtime %.2fs", rt_path_name(path), epoch,
                (long long)console->last.step + 1, console->last.wall_s);
    return RT_OK;
}

static int console_finish(struct rt_recorder *console, const struct rt_outcome *outcome, enum rt_status status,
                          struct rt_error *err)
{
    const double session_s = outcome->wall_s - console->info->start_wall_s;

    (void)err;
    if (status == RT_EDIVERGED)
        rt_log_info("Training diverged in epoch %d after %.2fs", console->last.epoch, outcome->wall_s);
    else
        rt_log_info("Training %s in %.2fs <> Current runtime: %.2fs",
                    status == RT_EINTERRUPTED ? "interrupted" : "completed", session_s, outcome->wall_s);
    rt_log_info("Current training at epoch %lld, step %lld", (long long)outcome->epochs,
                (long long)console->last.step + 1);
    if (!isnan(outcome->scores.test_acc))
        rt_log_info("Test loss: %.4f, test accuracy: %.2f%%", outcome->scores.test_loss,
                    outcome->scores.test_acc * 100);
    return RT_OK;
}

static void console_free(struct rt_recorder *console)
{
    if (console->terminal)
        rt_log_clear();
    rt_free(&console);
}

const struct rt_recorder_kind rt_recorder_console = {
    .always = true,
    .start = console_start,
    .progress = console_progress,
    .log = console_log,
    .threshold = console_threshold,
    .checkpoint = console_checkpoint,
    .finish = console_finish,
    .free = console_free,
};
