#include "track/bar.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { BAR_MIN = 4, BAR_MAX = 120, WORDS_MAX = 512, HEAD_MAX = 96, SPEED_MAX = 32 };

void rt_bar_duration(double seconds, char out[RT_BAR_DURATION_MAX])
{
    const long s = isfinite(seconds) && seconds >= 0 && seconds < 1e8 ? (long)seconds : -1;

    if (s < 0)
        snprintf(out, RT_BAR_DURATION_MAX, "?");
    else if (s < 3600)
        snprintf(out, RT_BAR_DURATION_MAX, "%02ld:%02ld", s / 60, s % 60);
    else
        snprintf(out, RT_BAR_DURATION_MAX, "%ld:%02ld:%02ld", s / 3600, s / 60 % 60, s % 60);
}

/* What a line has, from the widest to the narrowest; the first that fits is drawn. */
static const struct layout {
    bool words; /* "epoch 21 of 102", or "21/102" */
    bool bar, batches, elapsed, speed, scores;
} layouts[] = {
    {.words = true, .bar = true, .batches = true, .elapsed = true, .speed = true, .scores = true},
    {.bar = true, .batches = true, .elapsed = true, .scores = true},
    {.elapsed = true, .scores = true},
    {.bar = true, .batches = true},
    {.batches = true},
    {0},
};
enum { LAYOUTS = sizeof layouts / sizeof *layouts };

/* "[00:01<00:02, run 03:20 left, 459.92batch/s, train_acc=0.562, train_loss=1.34]" */
static void format_times(const struct rt_bar *bar, const struct rt_log_point *point,
                         const struct layout *layout, char words[WORDS_MAX])
{
    const double rate = bar->elapsed_s > 0 ? bar->done / bar->elapsed_s : NAN;
    char elapsed[RT_BAR_DURATION_MAX], left[RT_BAR_DURATION_MAX], run[RT_BAR_DURATION_MAX];
    char speed[SPEED_MAX] = "?batch/s";
    struct rt_text text = rt_text_in(words, WORDS_MAX);

    rt_bar_duration(bar->elapsed_s, elapsed);
    rt_bar_duration((point->batches - point->batch - 1) / rate, left);
    rt_bar_duration(bar->run_s, run);
    if (rate >= 1)
        snprintf(speed, sizeof speed, "%.2fbatch/s", rate);
    else if (rate > 0)
        snprintf(speed, sizeof speed, "%.2fs/batch", 1 / rate);
    rt_text_printf(&text, "[%s%s%s, run %s left", layout->elapsed ? elapsed : "", layout->elapsed ? "<" : "",
                   left, run);
    if (layout->speed)
        rt_text_printf(&text, ", %s", speed);
    if (layout->scores) {
        rt_text_append(&text, ", ");
        rt_scores_append_progress(&text, &point->scores);
    }
    rt_text_append(&text, "]");
}

/* "epoch 21 of ~102:  49%" */
static void format_head(const struct rt_bar *bar, const struct rt_log_point *point, const struct layout *layout,
                        char head[HEAD_MAX])
{
    const double share = (double)(point->batch + 1) / point->batches;

    snprintf(head, HEAD_MAX, "%s%d%s%s%lld: %3d%%", layout->words ? "epoch " : "", point->epoch,
             layout->words ? " of " : "/", bar->estimated ? "~" : "", (long long)bar->epochs,
             (int)(share * 100));
}

/* `width` cells of which `share` is filled; returns the bytes written. */
static size_t fill_cells(const struct rt_bar *bar, double share, int width, char *out)
{
    static const char *const eighths[] = {" ",      "\u258f", "\u258e", "\u258d", "\u258c",
                                          "\u258b", "\u258a", "\u2589", "\u2588"};
    char *to = out;

    for (int i = 0; i < width; i++) {
        const double cell = share * width - i;
        const char *mark;

        if (bar->unicode)
            mark = eighths[cell >= 1 ? 8 : cell > 0 ? (int)(cell * 8) : 0];
        else
            mark = cell >= 1 ? "#" : " ";
        to = stpcpy(to, mark);
    }
    return (size_t)(to - out);
}

/* The line in one layout; 0: it does not fit. */
static size_t format_line(const struct rt_bar *bar, const struct rt_log_point *point,
                          const struct layout *layout, char *line, size_t size)
{
    const double share = (double)(point->batch + 1) / point->batches;
    char times[WORDS_MAX], head[HEAD_MAX], batches[64] = "", cells[BAR_MAX * 4] = "";
    int room = bar->columns - 1;

    format_head(bar, point, layout, head);
    format_times(bar, point, layout, times);
    if (layout->batches)
        snprintf(batches, sizeof batches, "%d/%d ", point->batch + 1, point->batches);
    room -= (int)(strlen(head) + strlen(batches) + strlen(times)) + (layout->bar ? (int)strlen("|| ") : 1);
    if (room < (layout->bar ? BAR_MIN : 0))
        return 0;
    if (!layout->bar)
        return (size_t)snprintf(line, size, "%s %s%s", head, batches, times);
    cells[fill_cells(bar, share, room < BAR_MAX ? room : BAR_MAX, cells)] = '\0';
    return (size_t)snprintf(line, size, "%s|%s%s%s| %s%s", head, bar->colour ? "\033[36m" : "", cells,
                            bar->colour ? "\033[0m" : "", batches, times);
}

size_t rt_bar_format(const struct rt_bar *bar, const struct rt_log_point *point, char *line, size_t size)
{
    char head[HEAD_MAX];
    size_t length = 0;

    for (int i = 0; i < LAYOUTS && !length; i++)
        length = format_line(bar, point, &layouts[i], line, size);
    if (!length) { /* what there is room for; all of it is ASCII */
        format_head(bar, point, &layouts[LAYOUTS - 1], head);
        length = (size_t)snprintf(line, size, "%s", head);
        if (bar->columns > 1 && length > (size_t)bar->columns - 1)
            length = (size_t)bar->columns - 1;
    }
    if (length > size - 1)
        length = size - 1;
    line[length] = '\0';
    return length;
}
