#include <math.h>

#include "runs/scores.h"

/* Toneva et al. 2019, "An empirical study of example forgetting during deep neural network learning", section
 * 3: a forgetting event is acc_t > acc_{t + 1}; an image that was never learnt has infinitely many. */
static double forgetting(const struct rt_history_log *log, size_t epochs, size_t image)
{
    bool learnt = rt_history_is_right(log, 0, image);
    long events = 0;

    for (size_t e = 1; e < epochs; e++) {
        events += rt_history_is_right(log, e - 1, image) && !rt_history_is_right(log, e, image);
        learnt = learnt || rt_history_is_right(log, e, image);
    }
    return learnt ? (double)events : INFINITY;
}

const struct rt_score rt_score_forgetting = {
    .name = "forgetting", .label = "Forgetting events", .high_is_wrong = true, .of = forgetting};
