/* Learning-rate schedules: the rate of each epoch, as a function of the epoch alone, so that a resumed run
 * has the rates of an uninterrupted one. */
#ifndef RT_TRAIN_SCHEDULE_H
#define RT_TRAIN_SCHEDULE_H

#include "config/experiment.h"

/* The rate of `epoch` (from 1): experiment->learning_rate times what its scheduler made of it in the
 * epoch - 1 epochs before. */
double rt_schedule_rate(const struct rt_experiment *experiment, int64_t epoch);

#endif
