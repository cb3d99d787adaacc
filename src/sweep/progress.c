/* The progress of a run, from the end of its metrics.csv. */
#include <math.h>

#include "sweep/sweep.h"
#include "track/metrics.h"

void rt_sweep_read_progress(struct rt_sweep_progress *progress, const struct rt_sweep_run *run)
{
    struct rt_log_point point;
    *progress = (struct rt_sweep_progress){NAN, rt_scores_none()};
    if (!rt_metrics_read_last(&point, run->directory))
        return;
    progress->epochs = point.epoch - 1 + (point.batch + 1) / run->steps_per_epoch;
    progress->scores = point.scores;
}
