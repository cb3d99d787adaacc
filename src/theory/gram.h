/* Kernels, and their matrices in tiles of RT_TILE x RT_TILE floats: the lower triangle of the training images'
 * matrix (5.1 GB for 50,000), the rectangle of test against training images, or neither, computed again
 * wherever it is used.
 */
#ifndef RT_THEORY_GRAM_H
#define RT_THEORY_GRAM_H

#include <stdbool.h>

#include "base/error.h"
#include "theory/dots.h"
#include "theory/points.h"

/* X(name, is a function of the distance, help) */
/* clang-format off */
#define RT_CHOSEN_KERNELS(X) \
    X(gaussian, true, "exp(-g |x - y|^2)") \
    X(laplacian, true, "exp(-g |x - y|)") \
    X(linear, false, "<x, y>, the minimum-norm linear model")

#define RT_KERNELS(X) \
    RT_CHOSEN_KERNELS(X) \
    X(distance, true, "|x - y|^2, of which the others are made in a search for the width")
/* clang-format on */

enum rt_kernel_index {
#define RT_KERNEL_ENUM(name, radial, help) RT_KERNEL_##name,
    RT_KERNELS(RT_KERNEL_ENUM)
#undef RT_KERNEL_ENUM
        RT_KERNEL_COUNT
};

struct rt_kernel {
    enum rt_kernel_index index;
    double width; /* g */
};

const char *rt_kernel_name(enum rt_kernel_index index);
bool rt_kernel_is_radial(enum rt_kernel_index index);
/* The kernel of that name (not `distance`), or false. */
bool rt_kernel_find(enum rt_kernel_index *index, const char *name);
/* Its value at a squared distance, or, of linear, at a product. */
double rt_kernel_at(const struct rt_kernel *kernel, double argument);

enum { RT_OUTPUTS = 16 }; /* columns of coefficients: one a class, and some that are zero */

/* Rows are images from `first_row` on, columns from `first_column`. A symmetric one is of the same images. */
struct rt_gram {
    struct rt_points *points;
    struct rt_kernel kernel;
    struct rt_team *team;
    long first_row, rows, first_column, columns;
    bool symmetric;
    float *tiles; /* [row of tiles][column of tiles][RT_TILE][RT_TILE]; null: not stored */
};

/* Called by one thread now and then; `done` in 0..1. */
typedef void rt_progress(const char *what, double done);

double rt_gram_bytes(const struct rt_gram *gram); /* of its tiles, were they stored */
/* Allocates tiles, not filled in. RT_EMEMORY. */
int rt_gram_store(struct rt_gram *gram, struct rt_error *err);
void rt_gram_free(struct rt_gram *gram); /* the tiles; accepts the zeroed state */

/* Tile (i, j), i >= j of a symmetric one, whose tiles on the diagonal are whole. */
float *rt_gram_tile(const struct rt_gram *gram, long i, long j);
long rt_gram_blocks(long count); /* tiles for so many rows */

/* Fills the stored tiles of `count` matrices of the same points, which come block by block. */
int rt_gram_fill(struct rt_gram *const *grams, int count, rt_progress *progress, struct rt_error *err);

/* to = `kernel` at the squared distances that `from` holds; both stored and of one shape. */
void rt_gram_from_distances(struct rt_gram *to, const struct rt_gram *from);

/* out[rows][RT_OUTPUTS] = K in[columns][RT_OUTPUTS], sums in double, in an order that does not depend on the
 * number of threads. One that is not stored is computed on the way (its points in one block). */
int rt_gram_multiply(const struct rt_gram *gram, const double *in, double *out, struct rt_error *err);

/* K at the diagonal of a symmetric one, from the points. */
double rt_gram_diagonal(const struct rt_gram *gram, long row);

#endif
