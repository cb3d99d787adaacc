/* Text inside other formats: the one function of each that keeps it from being read as anything but text. All
 * make it plain first (base/utf8.h); HTML's is figures/html.h, JSON's and the terminal's are their writers'. */
#ifndef RT_BASE_ESCAPE_H
#define RT_BASE_ESCAPE_H

#include "base/text.h"

/* "text", quotes doubled. */
void rt_escape_csv(struct rt_text *out, const char *text);

/* 'text' as gnuplot reads it, quotes doubled. */
void rt_escape_gnuplot(struct rt_text *out, const char *text);

/* What stands in a cell of a table of Markdown: all that could begin markup has a backslash. */
void rt_escape_markdown(struct rt_text *out, const char *text);

/* What stands in a cell of a LaTeX tabular. */
void rt_escape_latex(struct rt_text *out, const char *text);

#endif
