#include "runs/scores.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

const struct rt_score *const rt_score_list[RT_SCORE_COUNT] = {
#define SCORE(name, help) &rt_score_##name,
    RT_SCORES(SCORE)
#undef SCORE
};

void rt_score_all(const struct rt_score *score, const struct rt_history_log *log, size_t epochs, double *values)
{
    for (size_t i = 0; i < log->images; i++) {
        values[i] = score->of(log, epochs, i);
        if (isnan(values[i])) /* of a network that diverged */
            values[i] = score->high_is_wrong ? INFINITY : -INFINITY;
    }
}

struct item {
    double value;
    size_t index;
};

static int compare_items(const void *a, const void *b)
{
    const struct item *left = a, *right = b;

    if (left->value != right->value)
        return left->value < right->value ? -1 : 1;
    return left->index < right->index ? -1 : left->index > right->index;
}

int rt_rank(const double *values, size_t count, double *ranks, struct rt_error *err)
{
    struct item *items;

    RT_TRY(rt_alloc(&items, count, sizeof *items, "ranks", err));
    for (size_t i = 0; i < count; i++)
        items[i] = (struct item){values[i], i};
    qsort(items, count, sizeof *items, compare_items);
    for (size_t first = 0, end; first < count; first = end) {
        for (end = first + 1; end < count && items[end].value == items[first].value; end++)
            ;
        for (size_t i = first; i < end; i++)
            ranks[items[i].index] = (double)(first + 1 + end) / 2; /* the mean of first + 1 .. end */
    }
    rt_free(&items);
    return RT_OK;
}

static int compare_numbers(const void *a, const void *b)
{
    const double left = *(const double *)a, right = *(const double *)b;

    return left < right ? -1 : left > right;
}

/* Of the `wrong` images of highest rank, how many have a wrong label; those of the last one's rank count by the
 * share of them that fits. */
static int find_precision(const double *ranks, const bool *is_wrong, size_t count, size_t wrong,
                          double *precision, struct rt_error *err)
{
    size_t above = 0, found = 0, tied = 0, tied_wrong = 0;
    double *sorted, last;

    RT_TRY(rt_alloc(&sorted, count, sizeof *sorted, "ranks", err));
    memcpy(sorted, ranks, count * sizeof *sorted);
    qsort(sorted, count, sizeof *sorted, compare_numbers);
    last = sorted[count - wrong];
    rt_free(&sorted);
    for (size_t i = 0; i < count; i++) {
        above += ranks[i] > last;
        found += ranks[i] > last && is_wrong[i];
        tied += ranks[i] == last;
        tied_wrong += ranks[i] == last && is_wrong[i];
    }
    *precision = ((double)found + (double)(wrong - above) * (double)tied_wrong / (double)tied) / (double)wrong;
    return RT_OK;
}

int rt_score_detection(struct rt_detection *detection, const struct rt_score *score, const double *values,
                       const bool *wrong, size_t count, struct rt_error *err)
{
    double *ranks, sum = 0;
    size_t positive = 0;
    int rc;

    *detection = (struct rt_detection){(double)NAN, (double)NAN};
    RT_TRY(rt_alloc(&ranks, count, sizeof *ranks, "ranks", err));
    for (size_t i = 0; i < count; i++)
        ranks[i] = score->high_is_wrong ? values[i] : -values[i];
    rc = rt_rank(ranks, count, ranks, err);
    for (size_t i = 0; i < count && !rc; i++) {
        positive += wrong[i];
        sum += wrong[i] ? ranks[i] : 0;
    }
    if (!rc && positive && positive < count) { /* Mann and Whitney's U over the pairs */
        const double p = (double)positive, n = (double)(count - positive);

        detection->auc = (sum - p * (p + 1) / 2) / (p * n);
        rc = find_precision(ranks, wrong, count, positive, &detection->precision, err);
    }
    rt_free(&ranks);
    return rc;
}

static double correlation_of(const double *a, const double *b, size_t count)
{
    const double mean = ((double)count + 1) / 2;
    double ab = 0, aa = 0, bb = 0;

    for (size_t i = 0; i < count; i++) {
        ab += (a[i] - mean) * (b[i] - mean);
        aa += (a[i] - mean) * (a[i] - mean);
        bb += (b[i] - mean) * (b[i] - mean);
    }
    return aa > 0 && bb > 0 ? ab / sqrt(aa * bb) : (double)NAN;
}

int rt_spearman(const double *a, const double *b, size_t count, double *correlation, struct rt_error *err)
{
    double *ranks = NULL;
    int rc;

    RT_TRY(rt_alloc(&ranks, 2 * count, sizeof *ranks, "ranks", err));
    if (!(rc = rt_rank(a, count, ranks, err)) && !(rc = rt_rank(b, count, ranks + count, err)))
        *correlation = correlation_of(ranks, ranks + count, count);
    rt_free(&ranks);
    return rc;
}
