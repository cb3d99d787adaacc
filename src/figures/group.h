/* Runs that differ in nothing but their seed, taken together. */
#ifndef RT_FIGURES_GROUP_H
#define RT_FIGURES_GROUP_H

#include "runs/records.h"
#include "runs/statistics.h"

enum { RT_GROUP_MAX = 64 };
struct rt_group {
    const struct rt_record *runs[RT_GROUP_MAX];
    int count;
    bool unfinished; /* none of them is finished */
};

/* One column of a group over the epochs (or steps), as far as all its runs go: [count] each. `smooth` is the
 * mean of the smoothed runs, `raw` of the logged ones; low and high bound the 95 % band of `smooth`. */
struct rt_band {
    size_t count;
    double *x, *raw, *smooth, *low, *high;
};
int rt_group_band(struct rt_band *band, const struct rt_group *group, enum rt_column x, enum rt_column y,
                  int window, struct rt_error *err);
void rt_band_free(struct rt_band *band);

#endif
