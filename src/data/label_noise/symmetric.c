#include "data/label_noise/draws.h"

/* One of the nine others, in their order. */
static int replace(const struct rt_experiment *experiment, int label, double v)
{
    const int other = (int)(v * (RT_CLASSES - 1));

    (void)experiment;
    return other + (other >= label);
}

static int symmetric_apply(const struct rt_label_job *job, struct rt_error *err)
{
    (void)err;
    rt_label_noise_each(job, replace);
    return RT_OK;
}

const struct rt_label_noise rt_label_noise_symmetric = {.name = "symmetric", .apply = symmetric_apply};
