/* The progress line of a run, in the style of tqdm: the epoch and how many are expected, the batch, and the
 * time left for the epoch and for the run. A narrow terminal has less of it:
 *
 *     epoch 21 of ~102:  49%|####    | 195/391 [00:01<00:01, run 03:20 left, 195.00batch/s, train_acc=0.562,
 * ...] 21/~102:  49% [00:01<00:01, run 03:20 left, train_acc=0.562, train_loss=1.34] 21/~102:  49% [00:01, run
 * 03:20 left] */
#ifndef RT_TRACK_BAR_H
#define RT_TRACK_BAR_H

#include <stdbool.h>
#include <stddef.h>

#include "track/recorder.h"

struct rt_bar {
    int columns;      /* of the terminal: the bar takes what the words leave */
    bool unicode;     /* block characters with eighths, or # */
    bool colour;      /* the bar in colour */
    double elapsed_s; /* since the epoch's start in this session */
    int done;         /* batches trained in that time */
    int64_t epochs;   /* that the run is expected to train: its last one, or */
    bool estimated;   /* where such runs stop */
    double run_s;     /* left for the run; NaN: unknown */
};

/* "00:59", "1:02:03", or "?" if unknown, in out[RT_BAR_DURATION_MAX]. */
enum { RT_BAR_DURATION_MAX = 32 };
void rt_bar_duration(double seconds, char out[RT_BAR_DURATION_MAX]);

/* The line without a newline, at most columns - 1 wide, in line[size]; returns its length in bytes. */
size_t rt_bar_format(const struct rt_bar *bar, const struct rt_log_point *point, char *line, size_t size);

#endif
