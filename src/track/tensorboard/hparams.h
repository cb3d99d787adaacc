/* TensorBoard's hyper-parameter plug-in: three values that TensorBoard's HPARAMS page reads. */
#ifndef RT_TRACK_HPARAMS_H
#define RT_TRACK_HPARAMS_H

#include "base/error.h"
#include "track/recorder.h"
#include "track/tensorboard/tfevents.h"

/* What the columns are and what this run's values are; written once in a run's first event file. */
int rt_hparams_write_start(struct rt_tfevents *events, const struct rt_run_info *info, double wall_time_s,
                           struct rt_error *err);

/* How the run ended. */
int rt_hparams_write_end(struct rt_tfevents *events, enum rt_status status, double wall_time_s,
                         struct rt_error *err);

#endif
