/* The published points, digitised: a directory of CSV files named like our figures (`--reference DIR`). */
#ifndef RT_FIGURES_PUBLISHED_H
#define RT_FIGURES_PUBLISHED_H

#include <stdbool.h>

#include "figures/figure.h"

/* Draws one published curve of NAME.csv behind ours: the rows whose column `key` is `value`, x from `step`, y
 * from the column `y`. x in epochs unless `steps`. A file or series that is not there adds nothing. */
struct rt_published_curve {
    const char *directory; /* null: no reference */
    const char *figure;    /* "mlp1_curves" */
    const char *key, *value, *y;
    bool steps;
};
int rt_published_add_curve(struct rt_figure *figure, struct rt_style style,
                           const struct rt_published_curve *curve, struct rt_error *err);

/* The same for gen_err_growth.csv and conv_slowdown.csv: a model's points over label corruption. */
int rt_published_add_levels(struct rt_figure *figure, struct rt_style style, int panel, const char *directory,
                            const char *file, const char *y, const char *model, struct rt_error *err);

/* One published number of a model and level from such a file; NaN where there is none. */
int rt_published_level(const char *directory, const char *file, const char *y, const char *model, double level,
                       double *value, struct rt_error *err);

/* Epochs after `step` logged points at `points` an epoch: the published logger wrote at batches 0, k, 2k, ...
 * and 390 of 391. */
double rt_published_epoch_of(long step, int points);

#endif
