/* The progress display of a local sweep: on a terminal a block of lines that is redrawn, otherwise plain lines
 * now and then. */
#ifndef RT_SWEEP_OVERVIEW_H
#define RT_SWEEP_OVERVIEW_H

#include "base/text.h"
#include "sweep/sweep.h"

struct rt_overview {
    const struct rt_sweep *sweep;
    bool terminal;
    int lines;      /* of the block on the terminal now */
    double began_s; /* of the sweep */
    double shown_s; /* when it was last shown */
};
void rt_overview_begin(struct rt_overview *overview, const struct rt_sweep *sweep);

/* Shows where the runs are, if it is time to. */
void rt_overview_tick(struct rt_overview *overview);

/* A run started, finished, failed, was interrupted or is held by another process: one permanent line. */
void rt_overview_note(struct rt_overview *overview, const struct rt_sweep_run *run);

/* The totals, as the last line. */
void rt_overview_end(struct rt_overview *overview);

/* "1h02m", "3m05s", "12s"; "?" for NaN. */
const char *rt_duration(double seconds, char text[24]);

#endif
