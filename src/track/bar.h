/* The progress line of one epoch, in the style of tqdm:
 *
 *     021: 100%|##########| 391/391 [00:00<00:00, 459.92batch/s, train_acc=0.562, train_loss=1.34] */
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
};

/* The line without a newline, at most columns - 1 wide, in line[size]; returns its length in bytes. */
size_t rt_bar_format(const struct rt_bar *bar, const struct rt_log_point *point, char *line, size_t size);

#endif
