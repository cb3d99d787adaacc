/* SGD on a linear model from w = 0 (Zhang et al. 2017, section 5): every step adds a multiple of an image to w,
 * so w stays in the span of the images, w = X' alpha; where it fits the labels, it is the minimum-norm
 * solution. */
#ifndef RT_THEORY_SPAN_H
#define RT_THEORY_SPAN_H

#include "theory/points.h"

/* What is known after so many steps. */
struct rt_span_point {
    long step;       /* images visited */
    double distance; /* |w - w_min| / |w_min| */
    double outside;  /* of w, orthogonal to the span of the images: |w - P w| / |w| */
    double residual; /* |X w - Y| / |Y| */
    double norm;     /* |w| */
    long train_wrong;
};

enum { RT_SPAN_POINTS_MAX = 64 };

struct rt_span {
    long images, features;
    double rate, norm_min; /* the learning rate; |w_min| */
    double condition;      /* of X X': the largest over the least pivot of its factor, a lower bound */
    int count;
    struct rt_span_point points[RT_SPAN_POINTS_MAX];
};

/* SGD on |X w - Y|^2 / 2, one image a step, in double, each epoch in a new order from `seed`; one-hot targets.
 * The rate is 1 / max |x|^2 where `rate` is NaN. Measures at 1, 2, 5, 10, ... steps and at the last, `steps`.
 * `outside`: how far from the span w starts, in parts of |w_min|, 0 as in the paper. The points' features in
 * one block. RT_EDATA where X X' is singular; RT_EDIVERGED; RT_EMEMORY. */
int rt_span_follow(struct rt_span *span, const struct rt_points *points, const uint8_t *labels, double rate,
                   double outside, long steps, uint32_t seed, struct rt_error *err);

#endif
