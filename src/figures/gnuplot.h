/* Figures on disk, drawn by gnuplot, which is run as a program.
 *
 * Each figure is five files: NAME.csv (every number drawn), NAME.gp (the script: restyle it and run
 * `gnuplot NAME.gp` in the folder), NAME.svg, NAME.png and NAME.pdf. */
#ifndef RT_FIGURES_GNUPLOT_H
#define RT_FIGURES_GNUPLOT_H

#include "base/text.h"
#include "figures/figure.h"

/* The CSV: "panel,series,kind,x,y,low,high", the series separated by two empty lines (gnuplot's data blocks;
 * CSV readers skip them). */
void rt_figure_append_csv(const struct rt_figure *figure, struct rt_text *out);

/* The gnuplot script. */
void rt_figure_append_script(const struct rt_figure *figure, struct rt_text *out);

/* The five files of a figure that is not made of series, from its CSV and its script. RT_EIO: a file, or
 * gnuplot. */
int rt_gnuplot_draw(const char *name, const struct rt_text *csv, const struct rt_text *script,
                    const char *directory, struct rt_error *err);

/* Writes the five files into `directory` (created if missing), each atomically. Errors: RT_EIO, among them
 * gnuplot missing or failing, with its message. */
int rt_figure_draw(const struct rt_figure *figure, const char *directory, struct rt_error *err);

#endif
