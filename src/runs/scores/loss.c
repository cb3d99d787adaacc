#include "runs/scores.h"

static double loss(const struct rt_history_log *log, size_t epochs, size_t image)
{
    double sum = 0;

    for (size_t e = 0; e < epochs; e++)
        sum += (double)rt_history_value(log, RT_HISTORY_loss, e, image);
    return sum / (double)epochs;
}

const struct rt_score rt_score_loss = {.name = "loss", .label = "Mean loss", .high_is_wrong = true, .of = loss};
