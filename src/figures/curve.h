/* Curves of runs in a figure, for the builders of figures/figures.h. */
#ifndef RT_FIGURES_CURVE_H
#define RT_FIGURES_CURVE_H

#include "figures/figure.h"
#include "figures/group.h"

struct rt_figure_options {
    const char *reference; /* directory of published points to draw behind ours, or null */
    bool steps;            /* x in logged points instead of epochs */
    int window;            /* of the smoothing; 0: none */
};

/* The curve of one built-in experiment and its other seeds, raw and smoothed or with its band;
 * then *runs is how many there were. */
struct rt_curve_request {
    const char *experiment, *label;
    enum rt_column y;
    enum rt_mark mark; /* RT_MARK_LINE or RT_MARK_THIN */
    struct rt_style style;
    bool raw; /* the raw curve faint behind it */
};
int rt_figure_add_curve(struct rt_figure *figure, const struct rt_records *records,
                        const struct rt_curve_request *request, const struct rt_figure_options *options,
                        int *runs, struct rt_error *err);

/* The end of a note that says how the curves were smoothed and, if runs > 1, what the band is. */
void rt_figure_note_smoothing(struct rt_figure *figure, const struct rt_figure_options *options, int runs);

void rt_figure_label_x(struct rt_figure *figure, const struct rt_figure_options *options);

#endif
