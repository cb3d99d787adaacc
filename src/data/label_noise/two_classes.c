#include "data/label_noise/draws.h"

/* Random signs for Rademacher complexity: class 0 is -1, class 1 is +1. */
static int replace(const struct rt_experiment *experiment, int label, double v)
{
    (void)experiment;
    (void)label;
    return v >= 0.5;
}

static int two_classes_apply(const struct rt_label_job *job, struct rt_error *err)
{
    (void)err;
    rt_label_noise_each(job, replace);
    return RT_OK;
}

const struct rt_label_noise rt_label_noise_two_classes = {.name = "two_classes", .apply = two_classes_apply};
