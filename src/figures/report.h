/* The report: one HTML page with everything in it (no network, opens from disk): what was run, the results next
 * to the paper's and the published ones, all figures, and learning curves to explore. */
#ifndef RT_FIGURES_REPORT_H
#define RT_FIGURES_REPORT_H

#include "base/text.h"
#include "figures/figures.h"

struct rt_report_options {
    const char *runs;    /* the directory, as the page names it */
    const char *figures; /* where the drawn figures are */
    const char *path;    /* of the page */
    bool under_way;      /* a sweep is in progress: the page reloads itself */
    struct rt_figure_options drawing;
};

int rt_report_write(const struct rt_records *records, const struct rt_report_options *options,
                    struct rt_error *err);

/* The parts, each appended as HTML. */
void rt_report_append_text(struct rt_text *page, const char *text); /* escaped */
void rt_report_append_facts(struct rt_text *page, const struct rt_records *records,
                            const struct rt_report_options *options);
int rt_report_append_results(struct rt_text *page, const struct rt_records *records,
                             const struct rt_report_options *options, struct rt_error *err);
/* The <option>s that choose a chart, and the JSON that the page's script draws them from. */
int rt_report_append_charts(struct rt_text *choices, struct rt_text *json, const struct rt_records *records,
                            const struct rt_report_options *options, struct rt_error *err);

#endif
