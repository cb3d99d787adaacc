/* Curves of several seeds, taken together. */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "figures/group.h"
#include "figures/smooth.h"

void rt_band_free(struct rt_band *band)
{
    rt_free(&band->x);
    rt_free(&band->raw);
    rt_free(&band->smooth);
    rt_free(&band->low);
    rt_free(&band->high);
    *band = (struct rt_band){0};
}

/* One run's (x, y) without the rows where y was not measured; returns their number. */
static size_t compact(const struct rt_record *run, enum rt_column x, enum rt_column y, double *xs, double *ys)
{
    size_t count = 0;

    for (size_t i = 0; i < run->count; i++) {
        if (isfinite(run->columns[y][i])) {
            xs[count] = run->columns[x][i];
            ys[count++] = run->columns[y][i];
        }
    }
    return count;
}

static int alloc_band(struct rt_band *band, size_t room, struct rt_error *err)
{
    int rc;

    if ((rc = rt_alloc(&band->x, room, sizeof(double), "curve", err)) ||
        (rc = rt_alloc(&band->raw, room, sizeof(double), "curve", err)) ||
        (rc = rt_alloc(&band->smooth, room, sizeof(double), "curve", err)) ||
        (rc = rt_alloc(&band->low, room, sizeof(double), "curve", err)) ||
        (rc = rt_alloc(&band->high, room, sizeof(double), "curve", err)))
        rt_band_free(band);
    return rc;
}

/* One run's part of the work: [its count] each. */
struct curve {
    double *x, *raw, *smooth;
};

/* The mean and band over the runs at each common point. */
static void average(struct rt_band *band, int runs, const struct curve *curves)
{
    double values[RT_GROUP_MAX], half, unused;

    for (size_t i = 0; i < band->count; i++) {
        for (int k = 0; k < runs; k++)
            values[k] = curves[k].raw[i];
        rt_mean_band(values, runs, &band->raw[i], &unused);
        for (int k = 0; k < runs; k++)
            values[k] = curves[k].smooth[i];
        rt_mean_band(values, runs, &band->smooth[i], &half);
        band->low[i] = fmax(0, band->smooth[i] - half); /* losses and accuracies are not negative */
        band->high[i] = band->smooth[i] + half;
    }
}

/* Fills in run k's curve, and cuts band->count to the points logged at the same places as in the first run. */
static int take_run(struct rt_band *band, const struct rt_record *run, enum rt_column x, enum rt_column y,
                    int window, const struct curve *first, const struct curve *curve, struct rt_error *err)
{
    const size_t count = compact(run, x, y, curve->x, curve->raw);
    size_t same = 0;

    RT_TRY(rt_smooth(curve->raw, count, window, curve->smooth, err));
    while (same < count && same < band->count && curve->x[same] == first->x[same])
        same++;
    band->count = same;
    return RT_OK;
}

int rt_group_band(struct rt_band *band, const struct rt_group *group, enum rt_column x, enum rt_column y,
                  int window, struct rt_error *err)
{
    struct curve curves[RT_GROUP_MAX];
    size_t total = 0;
    double *work = NULL; /* as much as the runs have rows, however different they are */
    int rc;

    *band = (struct rt_band){0};
    if (group->count < 1)
        return RT_OK;
    for (int k = 0; k < group->count; k++)
        total += group->runs[k]->count;
    if ((rc = rt_alloc(&work, 3 * total + 1, sizeof *work, "curves", err)) ||
        (rc = alloc_band(band, group->runs[0]->count + 1, err)))
        goto done;
    band->count = group->runs[0]->count;
    for (size_t k = 0, at = 0; k < (size_t)group->count && !rc; at += group->runs[k]->count, k++) {
        curves[k] = (struct curve){work + at, work + total + at, work + 2 * total + at};
        rc = take_run(band, group->runs[k], x, y, window, &curves[0], &curves[k], err);
    }
    if (rc)
        goto done;
    memcpy(band->x, curves[0].x, band->count * sizeof *band->x);
    average(band, group->count, curves);
done:
    rt_free(&work);
    if (rc)
        rt_band_free(band);
    return rc;
}
