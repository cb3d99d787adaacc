/* Theorem 1 of Zhang et al. 2017: a two-layer ReLU network with 2n + d weights fits any labels of n points in d
 * dimensions. c(x) = sum_j w_j max(<a, x> - b_j, 0) with one projection a [d], thresholds b [n] and weights w
 * [n]. With the projections z_i = <a, x_i> in ascending order and b_1 < z_1 < b_2 < z_2 < ... the matrix A_ij =
 * max(z_i - b_j, 0) is lower triangular with a positive diagonal, so A w = y has one solution. The network is
 * built, not trained.
 *
 * Images are bytes; x is a byte / 256. a is drawn from a normal distribution and rounded to multiples of 2^-29,
 * so that in double every z, the thresholds half-way between them and every z_i - b_j are exact (z are
 * multiples of 2^-37 and below 2^15 for d <= 3072): what is rounded is w and the sums with it.
 *
 * Depth k (the corollary): k - 1 hidden layers, each with the units of one block of about n / (k - 1)
 * neighbouring thresholds. Beside them a layer has one unit max(z - b_1, 0), from which later layers take z,
 * and two, max(r, 0) and max(-r, 0), that hand on the sum r of the blocks before. It is the same function
 * everywhere. */
#ifndef RT_THEORY_THEOREM1_H
#define RT_THEORY_THEOREM1_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/mt19937.h"
#include "base/thread.h"

/* The images and labels that are to be fitted. */
struct rt_theorem1_images {
    const uint8_t *pixels; /* [count][inputs] */
    const uint8_t *labels; /* [count] */
    size_t count, inputs;
};

/* a: the next `inputs` standard normals, rounded to multiples of 2^-29. */
void rt_theorem1_draw(double *a, size_t inputs, struct rt_mt *mt);

/* z[count]: <a, x> of each image. */
void rt_theorem1_project(double *z, const struct rt_theorem1_images *images, const double *a,
                         struct rt_team *team);

/* The images in ascending order of z. */
struct rt_theorem1_point {
    double z;
    uint32_t image;
};

/* Images that share their z. Of those with the same pixels all but the first are copies, which a fit of the
 * first fits as well, or, where the label is another, refutes. */
struct rt_theorem1_ties {
    size_t copies;           /* images with the pixels and the label of an earlier one */
    bool contradiction;      /* some image has the pixels of an earlier one and another label: */
    uint32_t earlier, later; /* the first such image and the one that it is a copy of */
    bool collision;          /* two images differ and share z: another a is needed */
};

/* points[count], sorted; of images with the same pixels the earlier first. */
void rt_theorem1_sort(struct rt_theorem1_point *points, const double *z, size_t count);
void rt_theorem1_find_ties(struct rt_theorem1_ties *ties, const struct rt_theorem1_images *images,
                           const struct rt_theorem1_point *points);

/* How w is found. The rows' differences are what elimination leaves of A: (row i) - (row i - 1) says that the
 * slope changes by w_i at b_i, y_i - y_(i-1) = (z_i - z_(i-1)) sum_(j<i) w_j + (z_i - b_i) w_i. X(symbol,
 * method, steps, arithmetic) */
#define RT_THEOREM1_SOLUTIONS(X)                                                                               \
    X(SUBSTITUTION, "substitution", "n^2/2", "double")                                                         \
    X(DIFFERENCES, "differences", "n", "double")                                                               \
    X(DOUBLE_DOUBLE, "differences", "n", "double-double")

enum rt_theorem1_solution {
#define RT_THEOREM1_SOLUTION_ENUM(symbol, ...) RT_THEOREM1_##symbol,
    RT_THEOREM1_SOLUTIONS(RT_THEOREM1_SOLUTION_ENUM)
#undef RT_THEOREM1_SOLUTION_ENUM
        RT_THEOREM1_SOLUTION_COUNT
};
/* "substitution" and "double" */
const char *rt_theorem1_method(enum rt_theorem1_solution solution);
const char *rt_theorem1_arithmetic(enum rt_theorem1_solution solution);

struct rt_theorem1 {
    size_t units, inputs;
    const double *a;       /* [inputs], the caller's */
    double *z, *y;         /* [units]: the points, in ascending order of z, and their labels */
    double *b, *w, *w_low; /* [units]; w_low: what a double leaves of w, 0 but in double-double */
    double *shifted;       /* [units]: b_j - b_1 */
    size_t depth;          /* layers of weights: 2, or more */
    size_t widest;         /* units of the widest hidden layer */
    size_t fixed;          /* deeper than 2: connections of weight 1 or -1, and copies of w with another sign,
                              that hand on z and the sum */
    enum rt_theorem1_solution by; /* that w was found with; forward passes have its arithmetic */
};

/* A network for points z[count], in ascending order and different, and what it is to be there, y[count]: makes
 * room for w and chooses the thresholds. 2 <= depth <= count + 1. RT_EMEMORY. */
int rt_theorem1_create(struct rt_theorem1 *network, const double *z, const double *y, size_t count,
                       size_t inputs, size_t depth, struct rt_error *err);
/* The same for those of `points` whose images are below `count`, copies left out; `a` must outlive the network.
 */
int rt_theorem1_create_for(struct rt_theorem1 *network, const struct rt_theorem1_images *images,
                           const struct rt_theorem1_point *points, size_t count, const double *a, size_t depth,
                           struct rt_error *err);
void rt_theorem1_free(struct rt_theorem1 *network); /* accepts the zeroed state */

/* b_1 = z_1 - (z_2 - z_1) / 2, or z_1 - 1/2 for one point; the others half-way between two z. */
void rt_theorem1_thresholds(double *b, const double *z, size_t count);

/* Fills in w. */
void rt_theorem1_solve(struct rt_theorem1 *network, enum rt_theorem1_solution by);

double rt_theorem1_largest_weight(const struct rt_theorem1 *network);

/* Forward passes of images through the network's layers: residual[i] = c(x_i) - label of the first `count`. */
void rt_theorem1_evaluate(const struct rt_theorem1 *network, const struct rt_theorem1_images *images,
                          size_t count, double *residual, struct rt_team *team);
/* c at the projection z, less y. */
double rt_theorem1_residual(const struct rt_theorem1 *network, double z, double y);

#endif
