#include "config/metrics.h"

#include <math.h>
#include <string.h>

const struct rt_metric rt_metrics[RT_METRIC_COUNT] = {
#define ROW(name, measured, low, high, split, word, comet, place, label, column)                               \
    {#name, RT_METRIC_##measured, offsetof(struct rt_scores, name), low,   high,  split,                       \
     word,  split "/" word,       "whole_run/" split "_" word,      comet, place, label,                       \
     column},
    RT_METRICS(ROW)
#undef ROW
};

struct rt_scores rt_scores_none(void)
{
    struct rt_scores scores;

    for (int i = 0; i < RT_METRIC_COUNT; i++)
        rt_metric_set(&rt_metrics[i], &scores, NAN);
    return scores;
}

double rt_metric_value(const struct rt_metric *metric, const struct rt_scores *scores)
{
    double value;

    memcpy(&value, (const char *)scores + metric->offset, sizeof value);
    return value;
}

void rt_metric_set(const struct rt_metric *metric, struct rt_scores *scores, double value)
{
    value = isnan(value) ? (double)NAN : value;
    memcpy((char *)scores + metric->offset, &value, sizeof value);
}

bool rt_metric_is_measured(const struct rt_metric *metric, const struct rt_scores *scores)
{
    switch (metric->measured) {
    case RT_METRIC_RUNNING:
        return true;
    case RT_METRIC_TESTED:
        return !isnan(scores->test_acc);
    case RT_METRIC_SOMETIMES:
        break;
    }
    return !isnan(rt_metric_value(metric, scores));
}

void rt_scores_append_progress(struct rt_text *text, const struct rt_scores *scores)
{
    const char *separator = "";

    for (int place = 1; place <= RT_METRIC_COUNT; place++)
        for (int i = 0; i < RT_METRIC_COUNT; i++)
            if (rt_metrics[i].place == place && rt_metric_is_measured(&rt_metrics[i], scores)) {
                const double value = rt_metric_value(&rt_metrics[i], scores);

                rt_text_printf(text, "%s%s=%.3g", separator, rt_metrics[i].name,
                               isnan(value) ? (double)NAN : value); /* of the sign that is shown as "nan" */
                separator = ", ";
            }
}
