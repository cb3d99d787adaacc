/* Where the parts of a figure stand, from how many there are and how long their texts. The panels keep their
 * height: more rows of a legend, more lines of a note and longer names make the canvas higher. */
#ifndef RT_FIGURES_LAYOUT_H
#define RT_FIGURES_LAYOUT_H

#include "figures/figure.h"

/* Lengths are pixels of the SVG and the PNG, heights from the lower edge; the PDF has the same proportions. */
struct rt_layout {
    int width, height;
    double bottom; /* of the panels; under it the x axis, the legend (if below) and the note */
    double legend; /* the middle of a legend that is below; 0: it is at the right */
    int legend_rows, legend_columns;
    double legend_size, title_size; /* of the letters: 1, less where the text would leave the canvas */
    int names_angle;                /* of names on the first panel's x axis, in degrees; 0: level */
    double x_label;                 /* of an axis whose names are not level */
    double note, note_line;         /* the note's last line, and from one line to the next */
    int note_lines;
};

struct rt_layout rt_figure_layout(const struct rt_figure *figure);

/* What the legend has for all series of a kind at once, in a panel. */
bool rt_figure_has_mark(const struct rt_figure *figure, int panel, enum rt_mark mark);

/* The length in bytes of the note's line that begins at `at`, broken at a space. */
size_t rt_figure_note_line(const struct rt_figure *figure, const char *at);

#endif
