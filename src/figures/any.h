/* Any number that runs have against any key, or any metric along the run: figures for questions of one's own.
 */
#ifndef RT_FIGURES_ANY_H
#define RT_FIGURES_ANY_H

#include "figures/figure.h"
#include "runs/table.h"

struct rt_any {
    char name[2 * RT_PROPERTY_NAME_MAX + 16]; /* of the files: "threshold_epoch_against_batch_size" */
    bool along;                               /* x is a clock, y a metric along the run; else: */
    enum rt_column clock, metric;
    const char *clock_label; /* of its axis */
    struct rt_property x, y; /* a point for each group of runs */
    struct rt_columns by;    /* asked for; what else differs is told apart, too */
    bool x_log, y_log;
    int window;        /* of smoothing, along the run; 0: none */
    const char *where; /* for the note; null: all runs */
};

/* --x, --y, --by (null: none), --log (null, "x", "y" or "xy"). RT_EUSAGE: no such column, not a number, not
 * recorded along the run. */
int rt_any_parse(struct rt_any *any, const char *x, const char *y, const char *by, const char *log,
                 struct rt_error *err);

/* The figure: a series for each combination of values of `by` and of the other keys in which runs differ, apart
 * from x and the seed; means over seeds with their 95 % interval. rt_figure_has_data says whether there is any;
 * figure->left_out, what is not in it. Free it, also after an error. */
int rt_any_build(struct rt_figure *figure, const struct rt_any *any, const struct rt_records *records,
                 struct rt_error *err);

#endif
