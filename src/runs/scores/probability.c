#include "runs/scores.h"

/* Swayamdipta et al. 2020, "Dataset Cartography", section 2.1: confidence, mu = 1 / E sum_e p_e(y | x). */
static double probability(const struct rt_history_log *log, size_t epochs, size_t image)
{
    double sum = 0;

    for (size_t e = 0; e < epochs; e++)
        sum += (double)rt_history_value(log, RT_HISTORY_probability, e, image);
    return sum / (double)epochs;
}

const struct rt_score rt_score_probability = {
    .name = "probability", .label = "Mean probability of the given label", .of = probability};
