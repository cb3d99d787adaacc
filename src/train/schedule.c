#include "train/schedule.h"

/* The factor by which the rate changes at the end of epoch `done` (1, 2, ...). The rate is their running
 * product, not a power: that is how PyTorch's schedulers round. */
static double factor_after(const struct rt_experiment *experiment, int64_t done)
{
    double factor = 1;

    switch (experiment->scheduler) {
    case RT_SCHEDULER_CONSTANT:
        break;
    case RT_SCHEDULER_EXPONENTIAL:
        factor = experiment->lr_decay;
        break;
    case RT_SCHEDULER_MULTI_STEP:
        for (int i = 0; i < experiment->milestone_count; i++)
            if (experiment->milestones[i] == done)
                factor *= 0.1;
        break;
    }
    return factor;
}

double rt_schedule_rate(const struct rt_experiment *experiment, int64_t epoch)
{
    double rate = experiment->learning_rate;

    for (int64_t done = 1; done < epoch; done++)
        rate *= factor_after(experiment, done);
    return rate;
}
