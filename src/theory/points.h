/* Points: the images as vectors of numbers (features) on which kernels are computed. They come in blocks of
 * features, one after the other, since 32,000 filters make 256,000 numbers of an image. */
#ifndef RT_THEORY_POINTS_H
#define RT_THEORY_POINTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/thread.h"
#include "data/dataset.h"

struct rt_points {
    long limit;         /* only so many of the first images are needed now; 0: all */
    long train, test;   /* images: training first */
    long depth;         /* features of an image, in all */
    long blocks, block; /* how many, and which one `values` holds */
    long block_depth;   /* features in a block */
    long stride;        /* floats from image to image */
    float *values;      /* [train + test][stride], of the block: a feature is (value + offset) / scale */
    double offset, scale;
    double *squares, *sums; /* [train + test]: of values^2, of values, over the blocks so far */
    char what[160];         /* what they are, for people */
    const struct rt_dataset *dataset;
    struct rt_team *team;
    /* Fills `values` with this block. Null: there is one, which is there. */
    int (*load)(struct rt_points *points, long block, struct rt_error *err);
    void *state; /* load's own */
    void (*free_state)(void *state);
};

/* What the features are made from. */
struct rt_points_options {
    const struct rt_dataset *dataset;
    struct rt_team *team; /* must outlive the points */
    long filters;         /* conv: how many */
    uint32_t seed;        /* conv: of the patches */
};

/* X(name, help) */
/* clang-format off */
#define RT_FEATURES(X) \
    X(pixels, "the image's pixels / 255") \
    X(conv, "random convolutional filters (whitened patches, ReLU both ways, sums over quadrants)") \
    X(gabor, "magnitudes of 32 Gabor wavelets, averaged over cells of 4 x 4 pixels")
/* clang-format on */

struct rt_features {
    const char *name;
    int (*create)(struct rt_points *points, const struct rt_points_options *options, struct rt_error *err);
};

/* The features of that name, or null. */
const struct rt_features *rt_features_find(const char *name);

/* Points without values yet, but with room for them: shape (depth, blocks, block_depth) is the caller's.
 * RT_EMEMORY. */
int rt_points_allocate(struct rt_points *points, struct rt_error *err);
/* Block 0, 1, ... in turn; then `squares` and `sums` are of all blocks. RT_EMEMORY. */
int rt_points_load(struct rt_points *points, long block, struct rt_error *err);
void rt_points_free(struct rt_points *points); /* accepts the zeroed state */

/* Images whose features are needed: the first ones. */
long rt_points_needed(const struct rt_points *points);

/* Bytes that `values` takes. */
double rt_points_bytes(const struct rt_points *points);

/* Pixels of the index-th image, [channels][side][side] of it, in 0..255 (noise scaled), into out. */
long rt_points_image(const struct rt_dataset *dataset, long index, float *out);
long rt_points_image_size(const struct rt_dataset *dataset);

#endif
