#include <math.h>

#include "runs/scores.h"

static double learnt_for_good(const struct rt_history_log *log, size_t epochs, size_t image)
{
    double since = INFINITY;

    for (size_t e = epochs; e > 0; e--) {
        if (!rt_history_is_presented(log, e - 1, image))
            continue;
        if (!rt_history_is_right(log, e - 1, image))
            break;
        since = (double)e;
    }
    return since;
}

const struct rt_score rt_score_learnt_for_good = {.name = "learnt_for_good",
                                                  .label = "Epoch from which on it was right",
                                                  .high_is_wrong = true,
                                                  .of = learnt_for_good};
