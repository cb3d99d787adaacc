#include "data/label_noise/draws.h"

static int replace(const struct rt_experiment *experiment, int label, double v)
{
    return rt_label_noise_draw(experiment->label_noise_matrix + label * RT_CLASSES, v);
}

static int class_dependent_apply(const struct rt_label_job *job, struct rt_error *err)
{
    if (job->experiment->label_noise_matrix_count !=
        RT_CLASSES * RT_CLASSES) /* rt_experiment_check says more */
        return rt_fail(err, RT_ECONFIG, "label_noise: class_dependent needs label_noise_matrix");
    rt_label_noise_each(job, replace);
    return RT_OK;
}

const struct rt_label_noise rt_label_noise_class_dependent = {.name = "class_dependent",
                                                              .apply = class_dependent_apply};
