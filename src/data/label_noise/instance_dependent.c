#include <math.h>

#include "base/memory.h"
#include "base/mt19937.h"
#include "data/label_noise/draws.h"

/* Xia et al. 2020, "Part-dependent label noise: towards instance-dependent label noise", algorithm 2:
 *
 *   q_i from the normal distribution N(p, 0.1^2) cut to [0, 1]; W of standard normals, [true
 * class][value][class]; a = x_i W[y_i], a[y_i] = -inf; the given label is y_i with probability 1 - q_i, else
 * class k with probability q_i softmax(a)[k].
 *
 * x_i: the pixels as a network without augmentation sees them, plane by plane. */
#define DEVIATION 0.1

/* Standard normals, one by one. */
struct normals {
    struct rt_mt mt;
    float pair[2];
    int left;
};

static float next_normal(struct normals *normals)
{
    if (!normals->left) {
        rt_mt_normal_pair(&normals->mt, normals->pair);
        normals->left = 2;
    }
    return normals->pair[2 - normals->left--];
}

static size_t values_of(const struct rt_dataset *dataset)
{
    return (size_t)(dataset->channels * RT_PLANE);
}

struct flipping {
    const struct rt_label_job *job;
    double *rates;  /* [train_total + test_total] */
    double *values; /* the same: numbers in [0, 1) that choose the label */
    float *weights; /* [RT_CLASSES][values][RT_CLASSES] */
};

/* In this order, from one generator seeded with the seed: the rates, each drawn again until it is in [0, 1];
 * the weights; the choosing numbers. */
static void draw(struct flipping *flipping)
{
    const struct rt_label_job *job = flipping->job;
    const size_t count = job->train_total + job->test_total;
    const double mean = job->experiment->label_corruption_prob;
    struct normals normals = {.left = 0};

    rt_mt_seed(&normals.mt, (uint32_t)job->experiment->seed.value);
    for (size_t i = 0; i < count; i++)
        do
            flipping->rates[i] = mean + DEVIATION * (double)next_normal(&normals);
        while (!(flipping->rates[i] >= 0 && flipping->rates[i] <= 1));
    normals.left = 0;
    for (size_t i = 0; i < RT_CLASSES * values_of(job->dataset) * RT_CLASSES; i++)
        flipping->weights[i] = next_normal(&normals);
    for (size_t i = 0; i < count; i++)
        flipping->values[i] = rt_mt_rand(&normals.mt);
}

/* Value j of kept image i, normalised. */
static double value_of(const struct rt_dataset *dataset, size_t i, int j)
{
    const int c = j / RT_PLANE, row = j % RT_PLANE / RT_CROP, column = j % RT_CROP, side = dataset->side;
    const int margin = (side - RT_CROP) / 2;
    const size_t at =
        ((i * (size_t)dataset->channels + (size_t)c) * (size_t)side + (size_t)(row + margin)) * (size_t)side +
        (size_t)(column + margin);
    const double value = dataset->noise ? (double)dataset->noise[at] : dataset->pixels[at] / 255.0;

    return (value - (double)dataset->mean[c]) / (double)dataset->std[c];
}

/* Image `kept` of those kept, image `i` of the whole set. */
static int flip(const struct flipping *flipping, size_t kept, size_t i)
{
    const int label = flipping->job->truth[i];
    const int values = (int)values_of(flipping->job->dataset);
    const float *weights = flipping->weights + (size_t)label * (size_t)values * RT_CLASSES;
    double a[RT_CLASSES] = {0}, largest = -INFINITY, sum = 0;

    for (int j = 0; j < values; j++) {
        const double x = value_of(flipping->job->dataset, kept, j);

        for (int k = 0; k < RT_CLASSES; k++)
            a[k] += x * (double)weights[j * RT_CLASSES + k];
    }
    a[label] = -INFINITY;
    for (int k = 0; k < RT_CLASSES; k++)
        largest = fmax(largest, a[k]);
    for (int k = 0; k < RT_CLASSES; k++)
        sum += a[k] = exp(a[k] - largest);
    for (int k = 0; k < RT_CLASSES; k++)
        a[k] *= flipping->rates[i] / sum;
    a[label] = 1 - flipping->rates[i];
    return rt_label_noise_draw(a, flipping->values[i]);
}

static void flip_share(void *context, int member)
{
    const struct flipping *flipping = context;
    const struct rt_label_job *job = flipping->job;
    const struct rt_dataset *dataset = job->dataset;
    const long count = (long)(dataset->train_count + dataset->test_count);
    const struct rt_slice share = rt_team_slice(job->team, member, count, 1);

    for (long n = share.begin; n < share.end; n++) {
        const size_t kept = (size_t)n;
        const size_t i = kept < dataset->train_count ? kept : kept - dataset->train_count + job->train_total;

        job->labels[i] = (uint8_t)flip(flipping, kept, i);
    }
}

/* Images that are left out draw, but keep their labels, which nobody sees. */
static int instance_dependent_apply(const struct rt_label_job *job, struct rt_error *err)
{
    const size_t count = job->train_total + job->test_total;
    struct flipping flipping = {.job = job};
    int rc;

    if (!(rc = rt_alloc(&flipping.rates, count, sizeof *flipping.rates, "the labels' rates", err)) &&
        !(rc = rt_alloc(&flipping.values, count, sizeof *flipping.values, "the labels' draws", err)) &&
        !(rc = rt_alloc(&flipping.weights, RT_CLASSES * values_of(job->dataset) * RT_CLASSES,
                        sizeof *flipping.weights, "the labels' projections", err))) {
        draw(&flipping);
        rt_team_run(job->team, flip_share, &flipping);
    }
    rt_free(&flipping.rates);
    rt_free(&flipping.values);
    rt_free(&flipping.weights);
    return rc;
}

const struct rt_label_noise rt_label_noise_instance_dependent = {.name = "instance_dependent",
                                                                 .apply = instance_dependent_apply};
