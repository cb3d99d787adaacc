#include "runs/scores.h"

/* Pleiss et al. 2020, "Identifying mislabeled data using the area under the margin ranking", equation 2:
 * AUM = 1 / T sum_t (z_y - max_{i != y} z_i) */
static double aum(const struct rt_history_log *log, size_t epochs, size_t image)
{
    double sum = 0;

    for (size_t e = 0; e < epochs; e++)
        sum += (double)rt_history_value(log, RT_HISTORY_margin, e, image);
    return sum / (double)epochs;
}

const struct rt_score rt_score_aum = {.name = "aum", .label = "Area under the margin", .of = aum};
