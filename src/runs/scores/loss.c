#include "runs/scores.h"

static double loss(const struct rt_history_log *log, size_t epochs, size_t image)
{
    return rt_history_mean(log, RT_HISTORY_loss, epochs, image);
}

const struct rt_score rt_score_loss = {.name = "loss", .label = "Mean loss", .high_is_wrong = true, .of = loss};
