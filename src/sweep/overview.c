#include "sweep/overview.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

static const double redraw_s = 0.5, plain_line_s = 30;

const char *rt_duration(double seconds, char text[24])
{
    const long s = isfinite(seconds) && seconds < 1e9 ? lround(seconds) : -1;

    if (s < 0)
        snprintf(text, 24, "?");
    else if (s < 60)
        snprintf(text, 24, "%lds", s);
    else if (s < 3600)
        snprintf(text, 24, "%ldm%02lds", s / 60, s % 60);
    else
        snprintf(text, 24, "%ldh%02ldm", s / 3600, s / 60 % 60);
    return text;
}

static int count_state(const struct rt_sweep *sweep, enum rt_sweep_state state)
{
    int count = 0;

    for (int i = 0; i < sweep->count; i++)
        count += sweep->runs[i].state == state;
    return count;
}

/* Seconds until the run has trained its expected epochs, at its pace since it started; past that, until its
 * last epoch. */
static double seconds_left(const struct rt_sweep_run *run)
{
    const double done = run->progress.epochs - run->epochs_at_start;
    const double took = rt_clock_wall_s() - run->began_s;
    double target = (double)run->stages[run->stage];

    if (run->epochs_expected > run->progress.epochs && run->epochs_expected < target)
        target = run->epochs_expected;
    return done > 0.02 ? took / done * (target - run->progress.epochs) : (double)NAN;
}

static void append_run(struct rt_text *text, const struct rt_sweep_run *run)
{
    char left[24];
    const struct rt_sweep_progress *progress = &run->progress;

    rt_text_printf(text, "%-28s %-9s", run->experiment.experiment_name, rt_sweep_state_name(run->state));
    if (isfinite(progress->epochs)) {
        rt_text_printf(text, " epoch %6.1f/%-4lld ", progress->epochs, (long long)run->stages[run->stage]);
        rt_scores_append_progress(text, &progress->scores);
        rt_text_printf(text, "  ETA %s", rt_duration(seconds_left(run), left));
    }
    rt_text_append(text, "\n");
}

static void append_totals(struct rt_text *text, const struct rt_overview *overview)
{
    const struct rt_sweep *sweep = overview->sweep;
    const int open = count_state(sweep, RT_SWEEP_RUNNING) + count_state(sweep, RT_SWEEP_WAITING);
    char elapsed[24], left[24];
    double total_s;

    rt_text_printf(text, "%d of %d finished, %d running, %d waiting", count_state(sweep, RT_SWEEP_FINISHED),
                   sweep->count, count_state(sweep, RT_SWEEP_RUNNING), count_state(sweep, RT_SWEEP_WAITING));
    if (count_state(sweep, RT_SWEEP_FAILED))
        rt_text_printf(text, ", %d failed", count_state(sweep, RT_SWEEP_FAILED));
    rt_text_printf(text, "; %s", rt_duration(rt_clock_wall_s() - overview->began_s, elapsed));
    if (open) {
        rt_sweep_update_estimates(sweep);
        total_s = rt_sweep_total_seconds(sweep);
        rt_text_printf(text, ", %s left", isnan(total_s) ? "?" : rt_duration(total_s, left));
    }
    rt_text_append(text, "\n");
}

static void clear_block(struct rt_overview *overview)
{
    if (overview->lines > 0)
        fprintf(stderr, "\033[%dA\r\033[J", overview->lines);
    overview->lines = 0;
}

/* Writes the lines cut to the terminal's width, and as many as it has room for. */
static void draw_block(struct rt_overview *overview, const char *text)
{
    struct winsize size = {0};

    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) || size.ws_col == 0 || size.ws_row == 0)
        size = (struct winsize){.ws_col = 80, .ws_row = 24};
    clear_block(overview);
    while (*text && overview->lines + 1 < size.ws_row) {
        const size_t length = strcspn(text, "\n");
        const size_t shown = length < size.ws_col ? length : size.ws_col - 1u;
        fprintf(stderr, "%.*s\n", (int)shown, text);
        overview->lines++;
        text += length + (text[length] == '\n');
    }
    fflush(stderr);
}

void rt_overview_begin(struct rt_overview *overview, const struct rt_sweep *sweep)
{
    const char *term = getenv("TERM");
    *overview =
        (struct rt_overview){.sweep = sweep, .began_s = rt_clock_wall_s(), .shown_s = rt_clock_wall_s()};
    overview->terminal = !sweep->options.quiet && isatty(STDERR_FILENO) && term && strcmp(term, "dumb") != 0;
}

void rt_overview_tick(struct rt_overview *overview)
{
    const double now = rt_clock_wall_s();

    if (overview->sweep->options.quiet ||
        now - overview->shown_s < (overview->terminal ? redraw_s : plain_line_s))
        return;
    overview->shown_s = now;
    struct rt_text text = {0};
    append_totals(&text, overview);
    for (int i = 0; i < overview->sweep->count; i++)
        if (overview->sweep->runs[i].state == RT_SWEEP_RUNNING)
            append_run(&text, &overview->sweep->runs[i]);
    if (overview->terminal)
        draw_block(overview, rt_text_string(&text));
    else
        fputs(rt_text_string(&text), stderr);
    rt_text_free(&text);
}

static const char *where_of(const struct rt_sweep_run *run, char text[RT_DEVICE_WORD_MAX])
{
    if (run->device)
        return run->device;
    snprintf(text, RT_DEVICE_WORD_MAX, "%d core%s", run->cores, run->cores > 1 ? "s" : "");
    return text;
}

void rt_overview_note(struct rt_overview *overview, const struct rt_sweep_run *run)
{
    const char *name = run->experiment.experiment_name;
    char took[24], where[RT_DEVICE_WORD_MAX];

    rt_duration(rt_clock_wall_s() - run->began_s, took);
    if (overview->terminal)
        clear_block(overview);
    switch (run->state) {
    case RT_SWEEP_RUNNING:
        if (!overview->terminal)
            rt_log_info("%s: started on %s%s", name, where_of(run, where),
                        run->epochs_done > 0 ? ", resuming" : "");
        break;
    case RT_SWEEP_FINISHED:
        rt_log_info("%s: finished after %s: %.0f epochs, train loss %.4f, accuracy %.4f", name, took,
                    run->progress.epochs, run->progress.scores.train_loss, run->progress.scores.train_acc);
        break;
    case RT_SWEEP_FAILED:
        rt_log_warn("%s: failed after %s: %s", name, took, run->trouble);
        break;
    case RT_SWEEP_INTERRUPTED:
        rt_log_info("%s: interrupted after %s; the same command resumes it", name, took);
        break;
    case RT_SWEEP_WAITING:
        if (run->holder > 0)
            rt_log_info("%s: in use by process %ld; put off until that ends", name, (long)run->holder);
        else if (run->holder)
            rt_log_info("%s: in use by another process; put off until that ends", name);
        break;
    }
    overview->shown_s = 0; /* the block comes back at once */
    if (!overview->terminal)
        overview->shown_s = rt_clock_wall_s();
}

void rt_overview_end(struct rt_overview *overview)
{
    struct rt_text text = {0};

    if (overview->terminal)
        clear_block(overview);
    append_totals(&text, overview);
    if (!overview->sweep->options.quiet)
        fputs(rt_text_string(&text), stderr);
    rt_text_free(&text);
}
