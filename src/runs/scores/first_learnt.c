#include <math.h>

#include "runs/scores.h"

static double first_learnt(const struct rt_history_log *log, size_t epochs, size_t image)
{
    for (size_t e = 0; e < epochs; e++)
        if (rt_history_is_right(log, e, image))
            return (double)(e + 1);
    return INFINITY;
}

const struct rt_score rt_score_first_learnt = {.name = "first_learnt",
                                               .label = "First epoch in which it was right",
                                               .high_is_wrong = true,
                                               .of = first_learnt};
