/* A figure in memory: one to three panels of labelled series, a title and a one-line note. Builders fill it
 * from finished runs; figures/gnuplot.h writes it as CSV, gnuplot script, SVG and PNG. */
#ifndef RT_FIGURES_FIGURE_H
#define RT_FIGURES_FIGURE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "figures/palette.h"
#include "runs/records.h"

enum { RT_PANELS_MAX = 3, RT_PANEL_NAMES_MAX = 24, RT_FIGURE_TEXT_MAX = 128, RT_NOTE_MAX = 1200 };

/* How a series is drawn. X(symbol, name in the CSV). The list's order is the drawing order, from the back. */
#define RT_MARKS(X)                                                                                            \
    X(BEST, "best so far")           /* area between low and high */                                           \
    X(BAND, "95 % band")             /* area between low and high */                                           \
    X(BARS, "95 % interval")         /* a bar from low to high at each point */                                \
    X(LEVEL, "level")                /* a horizontal line */                                                   \
    X(PUBLISHED, "published")        /* dashed line */                                                         \
    X(PUBLISHED_POINTS, "published") /* hollow markers, thin dashed line */                                    \
    X(RAW, "as logged")              /* faint line */                                                          \
    X(THIN, "curve")                 /* thin line */                                                           \
    X(LINE, "curve")                 /* line with a few markers */                                             \
    X(POINTS, "points")              /* a marker at each point, joined */

enum rt_mark {
#define RT_MARK_ENUM(symbol, name) RT_MARK_##symbol,
    RT_MARKS(RT_MARK_ENUM)
#undef RT_MARK_ENUM
        RT_MARK_COUNT
};
const char *rt_mark_name(enum rt_mark mark);

struct rt_series {
    char label[RT_FIGURE_TEXT_MAX];
    enum rt_mark mark;
    bool legend; /* has its line in the legend */
    int panel;
    bool unjoined; /* points are not joined */
    int dash;      /* 0: solid; others tell variants apart */
    struct rt_style style;
    size_t count;
    double *x, *y;      /* [count]; y null for areas */
    double *low, *high; /* [count]; null but for areas */
};

struct rt_panel {
    char x_label[RT_FIGURE_TEXT_MAX], y_label[RT_FIGURE_TEXT_MAX];
    bool x_log, y_log;
    bool x_free;                          /* the x axis need not start at 0 */
    char x_names[RT_PANEL_NAMES_MAX][64]; /* of places 0, 1, ... on an x axis without numbers */
    int x_name_count;
    double x_ticks[RT_PANEL_NAMES_MAX]; /* the values that there are, where they are few */
    int x_tick_count;
    double y_max; /* 0: from the data. Linear y axes start at 0. */
    double x_max; /* 0: from the data. x axes start at 0. */
};

enum rt_legend { RT_LEGEND_RIGHT, RT_LEGEND_BELOW };

struct rt_figure {
    const char *name; /* "mlp1_curves": the files' name */
    char title[RT_FIGURE_TEXT_MAX];
    char note[RT_NOTE_MAX]; /* under the plot; "": none */
    char legend_title[RT_FIGURE_TEXT_MAX];
    const char *published; /* what hollow markers are in the legend; null: "published" */
    enum rt_legend legend;
    struct rt_panel panels[RT_PANELS_MAX];
    int panel_count;
    struct rt_series *series;
    size_t series_count;
    const struct rt_records *records; /* that it is built from */
    bool *shown;                      /* [records->count] */
    struct rt_left_outs left_out;     /* runs that it would show, but for the reason given */
    int seeds_least, seeds_most;      /* in the groups that it shows */
};

void rt_figure_free(struct rt_figure *figure);

/* Appends a series with room for `count` points (areas: x, low, high; others: x, y) and points *series at it
 * until the next call. The caller fills the points in; a final count below `count` is fine. */
int rt_figure_add(struct rt_figure *figure, enum rt_mark mark, struct rt_style style, size_t count,
                  const char *label, struct rt_series **series, struct rt_error *err);

void rt_figure_show(struct rt_figure *figure, const struct rt_record *run); /* notes that it does */
void rt_figure_count_seeds(struct rt_figure *figure, int count);            /* of one group; 0 is none */

/* Whether it has a series of our own (not published, not a level): else there is nothing to show. */
bool rt_figure_has_data(const struct rt_figure *figure);

#endif
