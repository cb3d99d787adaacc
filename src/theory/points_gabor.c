/* Gabor wavelets: the paper transforms MNIST by them and says no more. Here, of the mean of an image's channels
 * in 0..1, which is 0 outside:
 *
 *   g(u, v) = exp(-(u^2 + v^2) / (2 s^2)) exp(2 pi i (u cos t + v sin t) / l), |u|, |v| <= 7
 *   wavelengths l = 4, 5.7, 8, 11.3, s = l / 2; directions t = 0, pi / 8, ... 7 pi / 8
 *   the real part less its mean, both parts of length 1; |<g, x>| at every pixel, averaged over cells of 4 x 4
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "engine/native/isa/product.h"
#include "theory/dots.h"
#include "theory/points.h"

enum {
    REACH = 7,
    SPAN = 2 * REACH + 1,
    DEPTH = SPAN * SPAN,
    SCALES = 4,
    DIRECTIONS = 8,
    WAVES = SCALES * DIRECTIONS,
    PARTS = 2 * WAVES,
    PANEL = 16,
    CELL = 4
};

struct gabor {
    struct rt_points *points;
    const struct rt_isa *kernels;
    long channels, side, cells;
    float *filters; /* [PARTS / PANEL][DEPTH][PANEL]: real parts, then imaginary ones */
    float *scratch; /* of each thread: image, its padded mean, a line's patches, their responses */
    long scratch_floats;
};

static void make_filter(float *filters, int wave)
{
    const int scale = wave / DIRECTIONS;
    const double length = 4 * pow(2, scale / 2.0), s = length / 2;
    const double t = acos(-1) * (wave % DIRECTIONS) / DIRECTIONS;
    double part[2][DEPTH], mean = 0;

    for (int k = 0; k < DEPTH; k++) {
        const int down = k / SPAN - REACH, right = k % SPAN - REACH;
        const double v = down, u = right, wide = exp(-(u * u + v * v) / (2 * s * s));
        const double phase = 2 * acos(-1) * (u * cos(t) + v * sin(t)) / length;

        part[0][k] = wide * cos(phase);
        part[1][k] = wide * sin(phase);
        mean += part[0][k] / DEPTH;
    }
    for (int i = 0; i < 2; i++) {
        const int column = i * WAVES + wave;
        double square = 0;

        for (int k = 0; k < DEPTH; k++) {
            part[i][k] -= i ? 0 : mean;
            square += part[i][k] * part[i][k];
        }
        for (int k = 0; k < DEPTH; k++)
            filters[(column / PANEL * DEPTH + k) * PANEL + column % PANEL] = (float)(part[i][k] / sqrt(square));
    }
}

/* padded[side + 2 REACH][side + 2 REACH]: the mean of the channels, in 0..1. */
static void pad(const struct gabor *g, const float *image, float *padded)
{
    const long wide = g->side + 2 * REACH;

    memset(padded, 0, (size_t)(wide * wide) * sizeof *padded);
    for (long c = 0; c < g->channels; c++)
        for (long y = 0; y < g->side; y++)
            for (long x = 0; x < g->side; x++)
                padded[(y + REACH) * wide + x + REACH] +=
                    image[(c * g->side + y) * g->side + x] / (255 * (float)g->channels);
}

/* row[cell][wave] += magnitudes of one line. */
static void add_line(const struct gabor *g, const float *responses, long y, float *row)
{
    for (long x = 0; x < g->cells * CELL; x++) {
        const float *real = responses + x * PARTS, *imaginary = real + WAVES;
        float *to = row + (y / CELL * g->cells + x / CELL) * WAVES;

        for (int k = 0; k < WAVES; k++)
            to[k] += sqrtf(real[k] * real[k] + imaginary[k] * imaginary[k]) / (CELL * CELL);
    }
}

static void transform_share(void *context, int member)
{
    const struct gabor *g = context;
    struct rt_points *points = g->points;
    const struct rt_slice share = rt_team_slice(points->team, member, points->train + points->test, 1);
    const long wide = g->side + 2 * REACH;
    float *image = g->scratch + member * g->scratch_floats, *padded = image + g->channels * g->side * g->side;
    float *patches = padded + wide * wide, *responses = patches + g->side * DEPTH;
    const struct rt_product product = {.a = patches,
                                       .b = g->filters,
                                       .c = responses,
                                       .a_row = DEPTH,
                                       .a_col = 1,
                                       .b_row = PANEL,
                                       .b_panel = DEPTH * PANEL,
                                       .c_row = PARTS,
                                       .c_panel = PANEL,
                                       .rows = g->side,
                                       .panels = PARTS / PANEL,
                                       .depth = DEPTH};

    for (long i = share.begin; i < share.end; i++) {
        rt_points_image(points->dataset, i, image);
        pad(g, image, padded);
        for (long y = 0; y < g->cells * CELL; y++) {
            for (long x = 0; x < g->side; x++)
                for (long v = 0; v < SPAN; v++)
                    memcpy(patches + x * DEPTH + v * SPAN, padded + (y + v) * wide + x, SPAN * sizeof *patches);
            g->kernels->product->multiply(&product);
            add_line(g, responses, y, points->values + i * points->stride);
        }
    }
}

static int transform(struct gabor *g, struct rt_error *err)
{
    const long wide = g->side + 2 * REACH;
    const size_t threads = (size_t)rt_team_size(g->points->team);

    RT_TRY(rt_isa_choose(&g->kernels, err));
    g->scratch_floats = g->channels * g->side * g->side + wide * wide + g->side * (DEPTH + PARTS);
    RT_TRY(rt_alloc_aligned(&g->filters, PARTS * DEPTH, sizeof(float), "filters", err));
    RT_TRY(rt_alloc_aligned(&g->scratch, threads * (size_t)g->scratch_floats, sizeof(float), "responses", err));
    RT_TRY(rt_points_allocate(g->points, err));
    for (int wave = 0; wave < WAVES; wave++)
        make_filter(g->filters, wave);
    rt_team_run(g->points->team, transform_share, g);
    return rt_points_load(g->points, 0, err);
}

static int create_gabor(struct rt_points *points, const struct rt_points_options *options, struct rt_error *err)
{
    const struct rt_dataset *dataset = options->dataset;
    struct gabor g = {.points = points, .channels = dataset->channels};
    int rc;

    g.side = dataset->noise ? dataset->height : dataset->side;
    g.cells = g.side / CELL;
    *points = (struct rt_points){.train = (long)dataset->train_count,
                                 .test = (long)dataset->test_count,
                                 .depth = g.cells * g.cells * WAVES,
                                 .blocks = 1,
                                 .block_depth = g.cells * g.cells * WAVES,
                                 .scale = 1,
                                 .dataset = dataset,
                                 .team = options->team};
    snprintf(points->what, sizeof points->what, "Gabor wavelets, %ld features of an image", points->depth);
    rc = transform(&g, err);
    rt_free(&g.filters);
    rt_free(&g.scratch);
    return rc;
}

const struct rt_features rt_features_gabor = {.name = "gabor", .create = create_gabor};
