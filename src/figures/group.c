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

/* One run's part of the work: [its count] each. Points are the same where as many batches were seen. */
struct curve {
    double *x, *batches, *raw, *smooth;
    size_t count, at;
};

/* Takes the rows where y was measured. */
static int take_run(struct curve *curve, const struct rt_record *run, enum rt_column x, enum rt_column y,
                    int window, struct rt_error *err)
{
    for (size_t i = 0; i < run->count; i++) {
        if (isfinite(run->columns[y][i]) && isfinite(run->columns[x][i])) {
            curve->x[curve->count] = run->columns[x][i];
            curve->batches[curve->count] = run->columns[RT_COLUMN_BATCHES][i];
            curve->raw[curve->count++] = run->columns[y][i];
        }
    }
    return rt_smooth(curve->raw, curve->count, window, curve->smooth, err);
}

/* Leaves the points that all have; returns how many there are. */
static size_t intersect(struct curve *curves, int runs)
{
    size_t count = 0;

    for (;;) {
        double furthest = 0;
        bool same = true;
        for (int k = 0; k < runs; k++) {
            if (curves[k].at == curves[k].count)
                return count;
            furthest = fmax(furthest, curves[k].batches[curves[k].at]);
        }
        for (int k = 0; k < runs; k++) {
            while (curves[k].at < curves[k].count && curves[k].batches[curves[k].at] < furthest)
                curves[k].at++;
            same = same && curves[k].at < curves[k].count && curves[k].batches[curves[k].at] == furthest;
        }
        for (int k = 0; k < runs && same; k++) {
            struct curve *curve = &curves[k];
            curve->x[count] = curve->x[curve->at];
            curve->raw[count] = curve->raw[curve->at];
            curve->smooth[count] = curve->smooth[curve->at++];
        }
        count += same;
    }
}

/* The mean and band over the runs at each common point; only their clocks may differ there. */
static void average(struct rt_band *band, int runs, const struct curve *curves, bool clocks)
{
    double values[RT_GROUP_MAX], half, unused;

    for (size_t i = 0; i < band->count; i++) {
        for (int k = 0; k < runs; k++)
            values[k] = curves[k].x[i];
        rt_mean_band(values, runs, &band->x[i], &unused);
        if (!clocks)
            band->x[i] = curves[0].x[i];
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

int rt_group_band(struct rt_band *band, const struct rt_group *group, enum rt_column x, enum rt_column y,
                  int window, struct rt_error *err)
{
    struct curve curves[RT_GROUP_MAX] = {0};
    size_t total = 0;
    double *work = NULL; /* as much as the runs have rows, however different they are */
    int rc;

    *band = (struct rt_band){0};
    if (group->count < 1)
        return RT_OK;
    for (int k = 0; k < group->count; k++)
        total += group->runs[k]->count;
    if ((rc = rt_alloc(&work, 4 * total + 1, sizeof *work, "curves", err)) ||
        (rc = alloc_band(band, group->runs[0]->count + 1, err)))
        goto done;
    for (size_t k = 0, at = 0; k < (size_t)group->count && !rc; at += group->runs[k]->count, k++) {
        curves[k] = (struct curve){.x = work + at,
                                   .batches = work + total + at,
                                   .raw = work + 2 * total + at,
                                   .smooth = work + 3 * total + at};
        rc = take_run(&curves[k], group->runs[k], x, y, window, err);
    }
    if (rc)
        goto done;
    band->count = intersect(curves, group->count);
    average(band, group->count, curves, x == RT_COLUMN_SECONDS);
done:
    rt_free(&work);
    if (rc)
        rt_band_free(band);
    return rc;
}
