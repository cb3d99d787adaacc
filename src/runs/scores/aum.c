#include "runs/scores.h"

/* Pleiss et al. 2020, "Identifying mislabeled data using the area under the margin ranking", equation 2:
 * AUM = 1 / T sum_t (z_y - max_{i != y} z_i) */
static double aum(const struct rt_history_log *log, size_t epochs, size_t image)
{
    return rt_history_mean(log, RT_HISTORY_margin, epochs, image);
}

const struct rt_score rt_score_aum = {.name = "aum", .label = "Area under the margin", .of = aum};
