/* The report's curves to explore: the same series as the drawn figures. */
#ifndef RT_FIGURES_REPORT_CHARTS_H
#define RT_FIGURES_REPORT_CHARTS_H

#include "base/text.h"
#include "figures/figures.h"

/* The <option>s that choose a chart, and the JSON that the page's script draws them from. */
int rt_report_append_charts(struct rt_text *choices, struct rt_text *json, const struct rt_records *records,
                            const struct rt_figure_options *options, struct rt_error *err);

#endif
