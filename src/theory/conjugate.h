/* Conjugate gradients for (K + ridge I) X = Y, all outputs side by side, in double; with Cholesky's factor in
 * single precision as preconditioner this is iterative refinement, and takes a few steps. */
#ifndef RT_THEORY_CONJUGATE_H
#define RT_THEORY_CONJUGATE_H

#include "theory/cholesky.h"

struct rt_system {
    const struct rt_gram *gram; /* K, stored or not */
    double ridge;
    const struct rt_gram *factor;   /* of K + ridge I, or null: no preconditioner */
    const struct rt_lapack *lapack; /* the factor's */
    int outputs;                    /* columns in use, at most RT_OUTPUTS */
};

struct rt_convergence {
    int steps;
    double residual; /* the largest |y - A x| / |y| of an output, computed anew at the end */
};

/* x[rows][RT_OUTPUTS] from y, and kx = K x. Ends when every output's residual is `tolerance` of |y| or after
 * `steps`; which of them, *convergence says. RT_EMEMORY. */
int rt_conjugate_solve(const struct rt_system *system, const double *y, double *x, double *kx, double tolerance,
                       int steps, struct rt_convergence *convergence, rt_progress *progress,
                       struct rt_error *err);

#endif
