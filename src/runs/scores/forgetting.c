#include <math.h>

#include "runs/scores.h"

/* Toneva et al. 2019, "An empirical study of example forgetting during deep neural network learning", section
 * 3: a forgetting event is acc_t > acc_{t + 1}; an image that was never learnt has infinitely many. */
static double forgetting(const struct rt_history_log *log, size_t epochs, size_t image)
{
    bool before = false, learnt = false; /* right in the last epoch that presented it; in any */
    long events = 0;

    for (size_t e = 0; e < epochs; e++) {
        if (!rt_history_is_presented(log, e, image))
            continue;
        const bool now = rt_history_is_right(log, e, image);

        events += before && !now;
        learnt = learnt || now;
        before = now;
    }
    return learnt ? (double)events : INFINITY;
}

const struct rt_score rt_score_forgetting = {
    .name = "forgetting", .label = "Forgetting events", .high_is_wrong = true, .of = forgetting};
