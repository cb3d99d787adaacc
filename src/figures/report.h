/* The report: one HTML page with everything in it (no network, opens from disk): what was run, the results next
 * to the paper's and the published ones, all figures, learning curves to explore, and the images of runs that
 * kept their history. */
#ifndef RT_FIGURES_REPORT_H
#define RT_FIGURES_REPORT_H

#include "figures/figures.h"

struct rt_report_options {
    const char *runs;    /* the directory, as the page names it */
    const char *figures; /* where the drawn figures are */
    const char *path;    /* of the page */
    const char *data;    /* the images; null: where each run read them */
    size_t images_runs;  /* of how many runs with histories images are shown, at most */
    bool under_way;      /* a sweep is in progress: the page reloads itself */
    struct rt_figure_options drawing;
};

/* RT_EIO, RT_EDATA, RT_EMEMORY. */
int rt_report_write(const struct rt_records *records, const struct rt_report_options *options,
                    struct rt_error *err);

#endif
