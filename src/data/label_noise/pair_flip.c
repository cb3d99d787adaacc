#include "data/label_noise/draws.h"

static int replace(const struct rt_experiment *experiment, int label, double v)
{
    (void)experiment;
    (void)v;
    return (label + 1) % RT_CLASSES;
}

static int pair_flip_apply(const struct rt_label_job *job, struct rt_error *err)
{
    (void)err;
    rt_label_noise_each(job, replace);
    return RT_OK;
}

const struct rt_label_noise rt_label_noise_pair_flip = {.name = "pair_flip", .apply = pair_flip_apply};
