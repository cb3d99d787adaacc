#include "data/label_noise/draws.h"

/* Of CIFAR-10: truck to automobile, bird to airplane, deer to horse, cat and dog for one another (Patrini et
 * al. 2017). */
static int replace(const struct rt_experiment *experiment, int label, double v)
{
    static const int taken_for[RT_CLASSES] = {0, 1, 0, 5, 7, 3, 6, 7, 8, 1};

    (void)experiment;
    (void)v;
    return taken_for[label];
}

static int asymmetric_apply(const struct rt_label_job *job, struct rt_error *err)
{
    (void)err;
    rt_label_noise_each(job, replace);
    return RT_OK;
}

const struct rt_label_noise rt_label_noise_asymmetric = {.name = "asymmetric", .apply = asymmetric_apply};
