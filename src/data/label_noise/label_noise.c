#include "data/label_noise/label_noise.h"

#include <string.h>

static const struct rt_label_noise *find(const char *name)
{
#define LABEL_NOISE_MATCH(id, help)                                                                            \
    if (!strcmp(name, #id))                                                                                    \
        return &rt_label_noise_##id;
    RT_LABEL_NOISES(LABEL_NOISE_MATCH)
#undef LABEL_NOISE_MATCH
    return NULL;
}

int rt_label_noise_apply(const struct rt_label_job *job, struct rt_error *err)
{
    const struct rt_experiment *experiment = job->experiment;
    const struct rt_label_noise *noise = find(experiment->label_noise);

    if (!noise)
        return rt_fail(err, RT_ECONFIG, "label_noise: no noise is called '%s'", experiment->label_noise);
    memcpy(job->labels, job->truth, job->train_total + job->test_total);
    if (experiment->label_corruption_prob > 0 || noise->whole)
        RT_TRY(noise->apply(job, err));
    if (!strcmp(experiment->label_noise_split, "train"))
        memcpy(job->labels + job->train_total, job->truth + job->train_total, job->test_total);
    return RT_OK;
}
