#include "runs/scores.h"

/* Swayamdipta et al. 2020, "Dataset Cartography", section 2.1: confidence, mu = 1 / E sum_e p_e(y | x). */
static double probability(const struct rt_history_log *log, size_t epochs, size_t image)
{
    return rt_history_mean(log, RT_HISTORY_probability, epochs, image);
}

const struct rt_score rt_score_probability = {
    .name = "probability", .label = "Mean probability of the given label", .of = probability};
