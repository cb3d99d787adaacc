/* Curves of runs in a figure, for the builders of figures/figures.h. */
#ifndef RT_FIGURES_CURVE_H
#define RT_FIGURES_CURVE_H

#include "figures/choice.h"
#include "figures/figure.h"

struct rt_figure_options {
    const char *reference; /* directory of published points to draw behind ours, or null */
    bool steps;            /* x in logged points instead of epochs */
    int window;            /* of the smoothing; 0: none */
};

/* The curve of a group, raw and smoothed or with its band; nothing for an empty group. */
struct rt_curve_request {
    const char *label;
    enum rt_column x, y;
    enum rt_mark mark; /* RT_MARK_LINE or RT_MARK_THIN */
    struct rt_style style;
    int dash;
    bool raw; /* the raw curve faint behind it */
};
int rt_figure_add_curve(struct rt_figure *figure, const struct rt_group *group,
                        const struct rt_curve_request *request, const struct rt_figure_options *options,
                        struct rt_error *err);

/* Adds a sentence to the note. */
void rt_figure_note(struct rt_figure *figure, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* How the curves were smoothed and, where there are several seeds, what the band is. */
void rt_figure_note_smoothing(struct rt_figure *figure, const struct rt_figure_options *options);
/* "n = 3 seeds" or "n = 1 to 3 seeds", where there are several. */
void rt_figure_note_band(struct rt_figure *figure, const char *what);

void rt_figure_label_x(struct rt_figure *figure, const struct rt_figure_options *options);

/* The i-th of things without an order: beyond the palette, its colours come again with other markers. */
struct rt_style rt_style_of(int index);

/* Of a label corruption level: between those of the eleven. */
struct rt_style rt_style_of_level(double level);

#endif
