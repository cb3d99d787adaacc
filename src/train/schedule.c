#include "train/schedule.h"

/* The factors by which the rate changes at the end of epoch `done` (1, 2, ...). The rate is their running
 * product, not a power: that is how PyTorch's schedulers round. */
static double exponential(const struct rt_experiment *experiment, int64_t done)
{
    (void)done;
    return experiment->lr_decay;
}

static double multi_step(const struct rt_experiment *experiment, int64_t done)
{
    double factor = 1;

    for (int i = 0; i < experiment->milestone_count; i++)
        if (experiment->milestones[i] == done)
            factor *= 0.1;
    return factor;
}

static double constant(const struct rt_experiment *experiment, int64_t done)
{
    (void)experiment;
    (void)done;
    return 1;
}

double rt_schedule_rate(const struct rt_experiment *experiment, int64_t epoch)
{
    static double (*const factors_after[])(const struct rt_experiment *experiment, int64_t done) = {
#define SCHEDULER(symbol, name, help) symbol,
        RT_SCHEDULERS(SCHEDULER)
#undef SCHEDULER
    };
    double rate = experiment->learning_rate;

    for (int64_t done = 1; done < epoch; done++)
        rate *= factors_after[experiment->scheduler](experiment, done);
    return rate;
}
