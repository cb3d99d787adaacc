#include "data/label_noise/draws.h"

#include "base/mt19937.h"

void rt_label_noise_each(const struct rt_label_job *job,
                         int (*replace)(const struct rt_experiment *experiment, int label, double v))
{
    const size_t count = job->train_total + job->test_total;
    struct rt_mt marks, values;

    rt_mt_seed(&marks, (uint32_t)job->experiment->seed.value);
    values = marks;
    rt_mt_skip(&values, 2 * (uint64_t)count); /* a number in [0, 1) takes two draws */
    for (size_t i = 0; i < count; i++) {
        const bool marked = rt_mt_rand(&marks) <= job->experiment->label_corruption_prob;
        const double v = rt_mt_rand(&values);

        if (marked)
            job->labels[i] = (uint8_t)replace(job->experiment, job->truth[i], v);
    }
}

int rt_label_noise_draw(const double *probabilities, double v)
{
    double sum = 0;
    int last = 0;

    for (int i = 0; i < RT_CLASSES; i++) {
        if (!(probabilities[i] > 0))
            continue;
        last = i;
        if (v < (sum += probabilities[i]))
            break;
    }
    return last;
}
