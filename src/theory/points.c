#include "theory/points.h"

#include <string.h>

#include "base/memory.h"

enum { ALIGNED = 16 };

double rt_points_bytes(const struct rt_points *points)
{
    return (double)(points->train + points->test) * (double)points->stride * sizeof(float);
}

long rt_points_needed(const struct rt_points *points)
{
    return points->limit ? points->limit : points->train + points->test;
}

/* Rows are a multiple of 64 bytes and never of 4096, so that rows under each other do not share a cache set. */
int rt_points_allocate(struct rt_points *points, struct rt_error *err)
{
    const size_t count = (size_t)(points->train + points->test);

    points->stride = (points->block_depth + ALIGNED - 1) / ALIGNED * ALIGNED;
    if (points->stride % 1024 == 0)
        points->stride += ALIGNED;
    points->block = -1;
    RT_TRY(rt_alloc_aligned(&points->values, count, (size_t)points->stride * sizeof(float), "features", err));
    RT_TRY(rt_alloc(&points->squares, count, sizeof(double), "features", err));
    return rt_alloc(&points->sums, count, sizeof(double), "features", err);
}

static void add_squares(void *context, int member)
{
    struct rt_points *points = context;
    const struct rt_slice share = rt_team_slice(points->team, member, rt_points_needed(points), 1);

    for (long i = share.begin; i < share.end; i++) {
        const float *row = points->values + i * points->stride;
        double square = 0, sum = 0;

        for (long k = 0; k < points->block_depth; k++) {
            square += (double)row[k] * (double)row[k];
            sum += (double)row[k];
        }
        points->squares[i] += square;
        points->sums[i] += sum;
    }
}

int rt_points_load(struct rt_points *points, long block, struct rt_error *err)
{
    const size_t bytes = (size_t)(points->train + points->test) * sizeof(double);

    if (points->blocks == 1 && points->block == 0)
        return RT_OK;
    if (points->load)
        RT_TRY(points->load(points, block, err));
    if (block == 0) {
        memset(points->squares, 0, bytes);
        memset(points->sums, 0, bytes);
    }
    points->block = block;
    rt_team_run(points->team, add_squares, points);
    return RT_OK;
}

void rt_points_free(struct rt_points *points)
{
    if (points->free_state)
        points->free_state(points->state);
    rt_free(&points->values);
    rt_free(&points->squares);
    rt_free(&points->sums);
    *points = (struct rt_points){0};
}

/* ---- pixels ---- */

long rt_points_image_size(const struct rt_dataset *dataset)
{
    return dataset->noise ? (long)dataset->channels * dataset->height * dataset->width
                          : (long)dataset->channels * dataset->side * dataset->side;
}

long rt_points_image(const struct rt_dataset *dataset, long index, float *out)
{
    const long size = rt_points_image_size(dataset);

    for (long k = 0; k < size; k++)
        out[k] =
            dataset->noise ? 255 * dataset->noise[index * size + k] : (float)dataset->pixels[index * size + k];
    return size;
}
