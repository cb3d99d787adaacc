#include "track/tensorboard/histogram.h"

#include <math.h>
#include <stdio.h>

enum { BUCKETS = 64 };
enum {
    HISTOGRAM_MIN = 1,
    HISTOGRAM_MAX = 2,
    HISTOGRAM_COUNT = 3,
    HISTOGRAM_SUM = 4,
    HISTOGRAM_SUM_SQUARES = 5,
    HISTOGRAM_LIMITS = 6,
    HISTOGRAM_BUCKETS = 7
};

struct summary {
    double min, max, count, sum, sum_squares;
};

static struct summary summarize(const struct rt_layer_values *layer)
{
    struct summary s = {.min = INFINITY, .max = -INFINITY};

    for (int64_t i = 0; i < layer->count; i++) {
        const double value = layer->values[i];

        if (!isfinite(value))
            continue;
        s.min = fmin(s.min, value);
        s.max = fmax(s.max, value);
        s.count++;
        s.sum += value;
        s.sum_squares += value * value;
    }
    return s;
}

/* bucket[i] counts values in [limit[i-1], limit[i]); the last one holds the maximum too. */
static void fill_buckets(const struct rt_layer_values *layer, const struct summary *s, double limit[BUCKETS],
                         double bucket[BUCKETS])
{
    const double width = s->max > s->min ? (s->max - s->min) / BUCKETS : 1e-12;

    for (int i = 0; i < BUCKETS; i++) {
        limit[i] = s->min + width * (i + 1);
        bucket[i] = 0;
    }
    for (int64_t i = 0; i < layer->count; i++)
        if (isfinite((double)layer->values[i]))
            bucket[(int)fmin((layer->values[i] - s->min) / width, BUCKETS - 1)]++;
}

void rt_tfevents_add_histogram(struct rt_tfevents *events, const struct rt_layer_values *layer)
{
    const struct summary s = summarize(layer);
    struct rt_pb *pb = &events->event;
    double limit[BUCKETS], bucket[BUCKETS];
    char tag[256];
    size_t value, histogram;

    if (s.count == 0)
        return;
    fill_buckets(layer, &s, limit, bucket);
    snprintf(tag, sizeof tag, "weights/%s", layer->name);
    value = rt_pb_begin(pb, RT_SUMMARY_VALUE);
    rt_pb_text(pb, RT_VALUE_TAG, tag);
    histogram = rt_pb_begin(pb, RT_VALUE_HISTOGRAM);
    rt_pb_double(pb, HISTOGRAM_MIN, s.min);
    rt_pb_double(pb, HISTOGRAM_MAX, s.max);
    rt_pb_double(pb, HISTOGRAM_COUNT, s.count);
    rt_pb_double(pb, HISTOGRAM_SUM, s.sum);
    rt_pb_double(pb, HISTOGRAM_SUM_SQUARES, s.sum_squares);
    rt_pb_doubles(pb, HISTOGRAM_LIMITS, limit, BUCKETS);
    rt_pb_doubles(pb, HISTOGRAM_BUCKETS, bucket, BUCKETS);
    rt_pb_end(pb, histogram);
    rt_pb_end(pb, value);
}
