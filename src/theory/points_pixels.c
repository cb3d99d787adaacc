/* Pixels / 255. They are kept less 128, whose products are exact (theory/dots.h). */
#include <stdio.h>

#include "theory/points.h"

static void fill_pixels(void *context, int member)
{
    struct rt_points *points = context;
    const struct rt_slice share = rt_team_slice(points->team, member, points->train + points->test, 1);

    for (long i = share.begin; i < share.end; i++) {
        float *row = points->values + i * points->stride;

        rt_points_image(points->dataset, i, row);
        for (long k = 0; k < points->depth; k++)
            row[k] -= 128;
    }
}

static int create_pixels(struct rt_points *points, const struct rt_points_options *options,
                         struct rt_error *err)
{
    const struct rt_dataset *dataset = options->dataset;

    *points = (struct rt_points){.train = (long)dataset->train_count,
                                 .test = (long)dataset->test_count,
                                 .depth = rt_points_image_size(dataset),
                                 .blocks = 1,
                                 .block_depth = rt_points_image_size(dataset),
                                 .offset = 128,
                                 .scale = 255,
                                 .dataset = dataset,
                                 .team = options->team};
    snprintf(points->what, sizeof points->what, "pixels / 255, %ld of an image", points->depth);
    RT_TRY(rt_points_allocate(points, err));
    rt_team_run(points->team, fill_pixels, points);
    return rt_points_load(points, 0, err);
}

const struct rt_features rt_features_pixels = {.name = "pixels", .create = create_pixels};
