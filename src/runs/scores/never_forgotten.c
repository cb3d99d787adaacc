#include "runs/scores.h"

static double never_forgotten(const struct rt_history_log *log, size_t epochs, size_t image)
{
    return rt_score_forgetting.of(log, epochs, image) == 0;
}

const struct rt_score rt_score_never_forgotten = {
    .name = "never_forgotten", .label = "Learnt and never forgotten", .of = never_forgotten};
