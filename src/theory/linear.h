/* How well linear functions of d features fit random signs sigma [n], each +1 or -1, of n images: the
 * correlation (1/n) sum_i sigma_i h(x_i) of the best h of a class, which in the mean over sigma is the class's
 * empirical Rademacher complexity.
 *
 * Features are <g_k, x> with g_k standard normals and x the image as a network sees it (28 x 28 x 3,
 * normalised). With P the projection onto the span of the features' values and f = P sigma the least-squares
 * fit of sigma:
 *   - of the functions with mean square at most 1 on the images, h = f / rms(f) is the best, at |f| / sqrt(n),
 * in the mean about sqrt(d / n);
 *   - signs of linear functions have no such formula; those of f reach 2 Phi(sqrt(d / (n - d))) - 1 in the
 * mean, where f is as for Gaussian features, and 1 for d >= n. Of |w| <= 1 / R with R = max_i |x_i|, so that
 * |h| <= 1: |sum_i sigma_i x_i| / (n R), in the mean at most sqrt(sum_i |x_i|^2) / (n R) <= 1 / sqrt(n). */
#ifndef RT_THEORY_LINEAR_H
#define RT_THEORY_LINEAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/mt19937.h"
#include "base/thread.h"

/* An orthonormal basis of the features' values on n images, feature by feature. */
struct rt_linear {
    size_t images, features, inputs;
    double *basis;   /* [rank][images] */
    size_t *ranks;   /* [features + 1]: vectors that the first k features span */
    double *x;       /* [images][inputs]: the images */
    double radius;   /* R: the longest of them */
    double expected; /* sqrt(sum |x|^2) / (n R) */
};

/* x[images][inputs] is taken over, also on an error. The features' numbers are drawn from mt. RT_EMEMORY. */
int rt_linear_create(struct rt_linear *linear, double **x, size_t images, size_t inputs, size_t features,
                     struct rt_mt *mt, struct rt_team *team, struct rt_error *err);
void rt_linear_free(struct rt_linear *linear); /* accepts the zeroed state */

/* What the first d features reach on sigma[images] (d <= features): the best of mean square 1, and the signs of
 * the least-squares fit. scratch: [images]. */
struct rt_linear_reach {
    double bounded, signs;
};
struct rt_linear_reach rt_linear_reach(const struct rt_linear *linear, size_t d, const double *sigma,
                                       double *scratch);
/* What is expected of them in the mean. */
struct rt_linear_reach rt_linear_expected(size_t images, size_t d);

/* |sum sigma x| / (n R). scratch: [inputs]. */
double rt_linear_short(const struct rt_linear *linear, const double *sigma, double *scratch);

#endif
