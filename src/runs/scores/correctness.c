#include "runs/scores.h"

static double correctness(const struct rt_history_log *log, size_t epochs, size_t image)
{
    size_t right = 0, presented = 0;

    for (size_t e = 0; e < epochs; e++) {
        right += rt_history_is_right(log, e, image);
        presented += rt_history_is_presented(log, e, image);
    }
    return (double)right / (double)presented; /* NaN: in none */
}

const struct rt_score rt_score_correctness = {
    .name = "correctness", .label = "Share of epochs in which it was right", .of = correctness};
