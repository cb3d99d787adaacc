#include "track/bar.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { BAR_MIN = 4, BAR_MAX = 120, WORDS_MAX = 256, DURATION_MAX = 32 };

/* "00:59", "1:02:03", or "?" if unknown. */
static void format_duration(double seconds, char out[DURATION_MAX])
{
    const long s = isfinite(seconds) && seconds >= 0 && seconds < 1e8 ? (long)seconds : -1;

    if (s < 0)
        snprintf(out, DURATION_MAX, "?");
    else if (s < 3600)
        snprintf(out, DURATION_MAX, "%02ld:%02ld", s / 60, s % 60);
    else
        snprintf(out, DURATION_MAX, "%ld:%02ld:%02ld", s / 3600, s / 60 % 60, s % 60);
}

/* "[00:01<00:02, 459.92batch/s, train_acc=0.562, train_loss=1.34]" */
static void format_words(const struct rt_bar *bar, const struct rt_log_point *point, char words[WORDS_MAX])
{
    const double rate = bar->elapsed_s > 0 ? bar->done / bar->elapsed_s : NAN;
    char elapsed[DURATION_MAX], left[DURATION_MAX], speed[32] = "?batch/s";
    struct rt_text text = rt_text_in(words, WORDS_MAX);

    format_duration(bar->elapsed_s, elapsed);
    format_duration((point->batches - point->batch - 1) / rate, left);
    if (rate >= 1)
        snprintf(speed, sizeof speed, "%.2fbatch/s", rate);
    else if (rate > 0)
        snprintf(speed, sizeof speed, "%.2fs/batch", 1 / rate);
    rt_text_printf(&text, "[%s<%s, %s, ", elapsed, left, speed);
    rt_scores_append_progress(&text, &point->scores);
    rt_text_append(&text, "]");
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

size_t rt_bar_format(const struct rt_bar *bar, const struct rt_log_point *point, char *line, size_t size)
{
    const double share = (double)(point->batch + 1) / point->batches;
    char words[WORDS_MAX], counts[64], head[32], cells[BAR_MAX * 4];
    size_t length = 0;
    int width;

    format_words(bar, point, words);
    snprintf(counts, sizeof counts, "%d/%d", point->batch + 1, point->batches);
    snprintf(head, sizeof head, "%03d: %3d%%", point->epoch, (int)(share * 100));
    width = bar->columns - 1 - (int)(strlen(head) + strlen(counts) + strlen(words) + strlen("|| ")) - 1;
    if (width > BAR_MAX)
        width = BAR_MAX;
    if (width >= BAR_MIN) {
        cells[fill_cells(bar, share, width, cells)] = '\0';
        length = (size_t)snprintf(line, size, "%s|%s%s%s| %s %s", head, bar->colour ? "\033[36m" : "", cells,
                                  bar->colour ? "\033[0m" : "", counts, words);
    } else {
        length = (size_t)snprintf(line, size, "%s %s %s", head, counts, words);
        if (bar->columns > 1 && length > (size_t)bar->columns - 1)
            length = (size_t)bar->columns - 1; /* all of it is ASCII */
    }
    if (length > size - 1)
        length = size - 1;
    line[length] = '\0';
    return length;
}
