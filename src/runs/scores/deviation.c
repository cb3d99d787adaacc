#include <math.h>

#include "runs/scores.h"

/* Swayamdipta et al. 2020, section 2.1: variability, sqrt(1 / E sum_e (p_e - mu)^2). The hard to learn, among
 * which the wrong labels are, have little of it; ambiguous images have the most. */
static double deviation(const struct rt_history_log *log, size_t epochs, size_t image)
{
    const double mean = rt_score_probability.of(log, epochs, image);
    double sum = 0;
    size_t presented = 0;

    for (size_t e = 0; e < epochs; e++) {
        if (!rt_history_is_presented(log, e, image))
            continue;
        const double distance = (double)rt_history_value(log, RT_HISTORY_probability, e, image) - mean;

        sum += distance * distance;
        presented++;
    }
    return sqrt(sum / (double)presented); /* NaN: in none */
}

const struct rt_score rt_score_deviation = {
    .name = "deviation", .label = "Deviation of the given label's probability", .of = deviation};
