/* The report's words and numbers, as HTML: what was run, and the table of results. */
#ifndef RT_FIGURES_REPORT_RESULTS_H
#define RT_FIGURES_REPORT_RESULTS_H

#include "base/text.h"
#include "runs/records.h"

/* `runs` is the directory, as the page names it. */
void rt_report_append_facts(struct rt_text *page, const struct rt_records *records, const char *runs);

/* `reference` is the directory of the published numbers, or null. */
int rt_report_append_results(struct rt_text *page, const struct rt_records *records, const char *reference,
                             struct rt_error *err);

#endif
