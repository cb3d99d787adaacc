/* Random convolutional features, as Coates and Ng (2012) make them and KeystoneML's RandomPatchCifar, of the
 * group of one of the paper's authors: the paper says no more than "32,000 random convolutional filters".
 *
 *   patches of 6 x 6 pixels in 0..255, normalised: (p - mean p) / sqrt(variance of p + 10)
 *   ZCA: W = V (L + 0.1)^(-1/2) V', V and L the eigenvectors and values of normalised training patches'
 * covariance filters: random training patches, normalised, whitened, of length 1; response z = <f, W (p - m)> =
 * <W f, p> - <W f, m> at all positions: max(z - 1/4, 0) and max(-z - 1/4, 0), summed over each quadrant of the
 * positions: 8 numbers a filter each of these: less its mean and divided by its deviation over the training
 * images */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clones.h"
#include "base/memory.h"
#include "base/mt19937.h"
#include "engine/native/isa/product.h"
#include "theory/dots.h"
#include "theory/eigen.h"
#include "theory/points.h"

enum { PATCH = 6, PANEL = 16, BLOCK = 512, KINDS = 8, PATCHES = 40000 };
#define VARIANCE_ADDED 10.0
#define EIGENVALUE_ADDED 0.1
#define THRESHOLD 0.25f

struct conv {
    const struct rt_isa *kernels;
    long channels, side, across; /* of images; positions of a patch along a side */
    long depth;                  /* numbers of a patch */
    long filters;
    float *weights; /* [filter][depth]: W f */
    float *bias;    /* [filter]: -<W f, m> */
    float *packed;  /* a block's weights: [BLOCK / PANEL][depth][PANEL] */
    float *scratch; /* of each thread: image, a line's patches, their responses, sums */
    long scratch_floats;
    long block;
};

/* The patch at (y, x) of an image [channels][side][side], normalised. */
static void read_patch(const struct conv *conv, const float *image, long y, long x, float *patch)
{
    float mean = 0, variance = 0, scale;
    long at = 0;

    for (long c = 0; c < conv->channels; c++)
        for (long i = 0; i < PATCH; i++, at += PATCH)
            memcpy(patch + at, image + (c * conv->side + y + i) * conv->side + x, PATCH * sizeof *patch);
    for (long k = 0; k < conv->depth; k++)
        mean += patch[k];
    mean /= (float)conv->depth;
    for (long k = 0; k < conv->depth; k++) {
        patch[k] -= mean;
        variance += patch[k] * patch[k];
    }
    scale = 1 / sqrtf(variance / (float)conv->depth + (float)VARIANCE_ADDED);
    for (long k = 0; k < conv->depth; k++)
        patch[k] *= scale;
}

/* ---- filters ---- */

/* A random patch of a random training image. */
static void draw_patch(const struct conv *conv, const struct rt_points *points, struct rt_mt *mt, float *image,
                       float *patch)
{
    const long index = (long)rt_mt_choice(mt, (uint32_t)points->train);
    const long y = (long)rt_mt_choice(mt, (uint32_t)conv->across),
               x = (long)rt_mt_choice(mt, (uint32_t)conv->across);

    rt_points_image(points->dataset, index, image);
    read_patch(conv, image, y, x, patch);
}

struct whitening {
    double *mean, *matrix, *vectors, *values; /* [depth]; [depth][depth] */
    float *image, *patches;
};

static int allocate_whitening(struct whitening *w, const struct conv *conv, struct rt_error *err)
{
    const size_t depth = (size_t)conv->depth, image = (size_t)(conv->channels * conv->side * conv->side);

    RT_TRY(rt_alloc(&w->mean, depth, sizeof(double), "patches", err));
    RT_TRY(rt_alloc(&w->matrix, depth * depth, sizeof(double), "patches", err));
    RT_TRY(rt_alloc(&w->vectors, depth * depth, sizeof(double), "patches", err));
    RT_TRY(rt_alloc(&w->values, depth * depth, sizeof(double), "patches", err));
    RT_TRY(rt_alloc(&w->image, image, sizeof(float), "an image", err));
    return rt_alloc(&w->patches, PATCHES * depth, sizeof(float), "patches", err);
}

/* mean m and matrix W of the ZCA. */
static void whiten(struct whitening *w, const struct conv *conv, const struct rt_points *points,
                   struct rt_mt *mt)
{
    const int depth = (int)conv->depth;

    for (long i = 0; i < PATCHES; i++) {
        float *patch = w->patches + i * depth;

        draw_patch(conv, points, mt, w->image, patch);
        for (int k = 0; k < depth; k++)
            w->mean[k] += (double)patch[k] / PATCHES;
    }
    for (long i = 0; i < PATCHES; i++) {
        const float *patch = w->patches + i * depth;

        for (int k = 0; k < depth; k++)
            for (int l = 0; l < depth; l++)
                w->values[k * depth + l] +=
                    ((double)patch[k] - w->mean[k]) * ((double)patch[l] - w->mean[l]) / PATCHES;
    }
    rt_eigen_symmetric(w->values, w->vectors, depth);
    for (int k = 0; k < depth; k++)
        for (int l = 0; l < depth; l++)
            for (int e = 0; e < depth; e++)
                w->matrix[k * depth + l] += w->vectors[k * depth + e] * w->vectors[l * depth + e] /
                                            sqrt(w->values[e * depth + e] + EIGENVALUE_ADDED);
}

/* out = W in */
static void multiply(const struct whitening *w, int depth, const double *in, double *out)
{
    for (int k = 0; k < depth; k++) {
        out[k] = 0;
        for (int l = 0; l < depth; l++)
            out[k] += w->matrix[k * depth + l] * in[l];
    }
}

static void make_filters(struct conv *conv, struct whitening *w, const struct rt_points *points,
                         struct rt_mt *mt)
{
    const int depth = (int)conv->depth;
    double *patch = w->values, *filter = w->values + depth; /* not needed any more */

    for (long f = 0; f < conv->filters; f++) {
        double square = 0, bias = 0;

        draw_patch(conv, points, mt, w->image, w->patches);
        for (int k = 0; k < depth; k++)
            patch[k] = (double)w->patches[k] - w->mean[k];
        multiply(w, depth, patch, filter);
        for (int k = 0; k < depth; k++)
            square += filter[k] * filter[k];
        for (int k = 0; k < depth; k++)
            filter[k] /= sqrt(square) + 1e-10;
        multiply(w, depth, filter, patch);
        for (int k = 0; k < depth; k++) {
            conv->weights[f * depth + k] = (float)patch[k];
            bias -= patch[k] * w->mean[k];
        }
        conv->bias[f] = (float)bias;
    }
}

static int create_filters(struct conv *conv, const struct rt_points *points, uint32_t seed,
                          struct rt_error *err)
{
    struct whitening whitening = {0};
    struct rt_mt mt;
    int rc;

    rt_mt_seed(&mt, seed);
    if (!(rc = allocate_whitening(&whitening, conv, err))) {
        whiten(&whitening, conv, points, &mt);
        make_filters(conv, &whitening, points, &mt);
    }
    rt_free(&whitening.mean);
    rt_free(&whitening.matrix);
    rt_free(&whitening.vectors);
    rt_free(&whitening.values);
    rt_free(&whitening.image);
    rt_free(&whitening.patches);
    return rc;
}

/* ---- features ---- */

/* up[f] += max(z[f] + bias[f] - 1/4, 0), down[f] += max(-z[f] - bias[f] - 1/4, 0) */
static RT_CLONED void rectify_body(const float *restrict z, const float *restrict bias, float *restrict up,
                                   float *restrict down, long count)
{
    for (long f = 0; f < count; f++) {
        const float value = z[f] + bias[f], above = value - THRESHOLD, below = -value - THRESHOLD;

        up[f] += above > 0 ? above : 0;
        down[f] += below > 0 ? below : 0;
    }
}
RT_CLONES(rectify,
          (const float *restrict z, const float *restrict bias, float *restrict up, float *restrict down,
           long count),
          (z, bias, up, down, count))

/* row[quadrant][sign][BLOCK] of one image. */
static void convolve(const struct conv *conv, const float *image, float *patches, float *responses, float *row)
{
    const long half = (conv->across + 1) / 2;
    const float *bias = conv->bias + conv->block * BLOCK;
    const struct rt_product product = {
        .a = patches,
        .b = conv->packed,
        .c = responses,
        .a_row = conv->depth,
        .a_col = 1,
        .b_row = PANEL,
        .b_panel = conv->depth * PANEL,
        .c_row = BLOCK,
        .c_panel = PANEL,
        .rows = conv->across,
        .panels = BLOCK / PANEL,
        .depth = conv->depth,
    };

    memset(row, 0, KINDS * BLOCK * sizeof *row);
    for (long y = 0; y < conv->across; y++) {
        for (long x = 0; x < conv->across; x++)
            read_patch(conv, image, y, x, patches + x * conv->depth);
        conv->kernels->product->multiply(&product);
        for (long x = 0; x < conv->across; x++) {
            float *up = row + ((y >= half ? 2 : 0) + (x >= half ? 1 : 0)) * 2 * BLOCK;

            rectify(responses + x * BLOCK, bias, up, up + BLOCK, BLOCK);
        }
    }
}

static void load_share(void *context, int member)
{
    struct rt_points *points = context;
    const struct conv *conv = points->state;
    const struct rt_slice share = rt_team_slice(points->team, member, rt_points_needed(points), 1);
    float *image = conv->scratch + member * conv->scratch_floats;
    float *patches = image + conv->channels * conv->side * conv->side;
    float *responses = patches + conv->across * conv->depth;

    for (long i = share.begin; i < share.end; i++) {
        rt_points_image(points->dataset, i, image);
        convolve(conv, image, patches, responses, points->values + i * points->stride);
    }
}

/* Less the mean and divided by the deviation, over the training images; a feature that is constant becomes 0.
 */
static void standardise_share(void *context, int member)
{
    struct rt_points *points = context;
    const struct rt_slice share = rt_team_slice(points->team, member, points->block_depth, PANEL);
    const long needed = rt_points_needed(points), train = needed < points->train ? needed : points->train;

    for (long k = share.begin; k < share.end; k += PANEL) {
        double sum[PANEL] = {0}, square[PANEL] = {0};

        for (long i = 0; i < train; i++)
            for (int j = 0; j < PANEL; j++) {
                const double value = (double)points->values[i * points->stride + k + j];

                sum[j] += value;
                square[j] += value * value;
            }
        for (int j = 0; j < PANEL; j++) {
            const double mean = sum[j] / (double)train, variance = square[j] / (double)train - mean * mean;
            const double scale = variance > 1e-9 * (mean * mean) ? 1 / sqrt(variance) : 0;

            for (long i = 0; i < needed; i++) {
                float *value = &points->values[i * points->stride + k + j];

                *value = (float)(((double)*value - mean) * scale);
            }
        }
    }
}

/* The last block's filters behind the last one are zero, and so are their features. */
static int load_conv(struct rt_points *points, long block, struct rt_error *err)
{
    struct conv *conv = points->state;

    (void)err;
    conv->block = block;
    for (long f = 0; f < BLOCK; f++)
        for (long k = 0; k < conv->depth; k++) {
            const long filter = block * BLOCK + f;

            conv->packed[(f / PANEL * conv->depth + k) * PANEL + f % PANEL] =
                filter < conv->filters ? conv->weights[filter * conv->depth + k] : 0;
        }
    rt_team_run(points->team, load_share, points);
    rt_team_run(points->team, standardise_share, points);
    return RT_OK;
}

static void free_conv(void *state)
{
    struct conv *conv = state;

    rt_free(&conv->weights);
    rt_free(&conv->bias);
    rt_free(&conv->packed);
    rt_free(&conv->scratch);
    rt_free(&conv);
}

static int prepare(struct rt_points *points, struct conv *conv, uint32_t seed, struct rt_error *err)
{
    const size_t threads = (size_t)rt_team_size(points->team), depth = (size_t)conv->depth;
    const size_t padded = (size_t)points->blocks * BLOCK;

    RT_TRY(rt_isa_choose(&conv->kernels, err));
    RT_TRY(rt_alloc_aligned(&conv->weights, padded * depth, sizeof(float), "filters", err));
    RT_TRY(rt_alloc_aligned(&conv->bias, padded, sizeof(float), "filters", err));
    RT_TRY(rt_alloc_aligned(&conv->packed, BLOCK * depth, sizeof(float), "filters", err));
    conv->scratch_floats =
        conv->channels * conv->side * conv->side + conv->across * conv->depth + conv->across * BLOCK;
    RT_TRY(rt_alloc_aligned(&conv->scratch, threads * (size_t)conv->scratch_floats, sizeof(float), "responses",
                            err));
    RT_TRY(create_filters(conv, points, seed, err));
    return rt_points_allocate(points, err);
}

static int create_conv(struct rt_points *points, const struct rt_points_options *options, struct rt_error *err)
{
    const struct rt_dataset *dataset = options->dataset;
    struct conv *conv;

    RT_TRY(rt_alloc(&conv, 1, sizeof *conv, "filters", err));
    *conv = (struct conv){.channels = dataset->channels, .filters = options->filters};
    conv->side = dataset->noise ? dataset->height : dataset->side;
    conv->across = conv->side - PATCH + 1;
    conv->depth = conv->channels * PATCH * PATCH;
    *points = (struct rt_points){.train = (long)dataset->train_count,
                                 .test = (long)dataset->test_count,
                                 .depth = KINDS * options->filters,
                                 .blocks = (options->filters + BLOCK - 1) / BLOCK,
                                 .block_depth = KINDS * BLOCK,
                                 .scale = 1,
                                 .dataset = dataset,
                                 .team = options->team,
                                 .load = load_conv,
                                 .state = conv,
                                 .free_state = free_conv};
    snprintf(points->what, sizeof points->what, "%ld random convolutional filters, %ld features of an image",
             options->filters, points->depth);
    return prepare(points, conv, options->seed, err);
}

const struct rt_features rt_features_conv = {.name = "conv", .create = create_conv};
