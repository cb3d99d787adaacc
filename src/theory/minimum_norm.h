/* Minimum-norm solutions (Zhang et al. 2017, section 5): K alpha = Y with one-hot targets, or (K + ridge t I)
 * alpha = Y, t the mean of K's diagonal (1 for the Gaussian and the Laplacian); the largest output is
 * predicted. */
#ifndef RT_THEORY_MINIMUM_NORM_H
#define RT_THEORY_MINIMUM_NORM_H

#include "theory/conjugate.h"

/* X(symbol, name, what it is) */
#define RT_KERNEL_SOLVERS(X)                                                                                   \
    X(CHOLESKY, "cholesky", "Cholesky's factorisation, by a LAPACK")                                           \
    X(CG, "cg", "conjugate gradients, without LAPACK and in little memory")

enum rt_kernel_solver {
#define RT_KERNEL_SOLVER_ENUM(symbol, name, help) RT_KERNEL_##symbol,
    RT_KERNEL_SOLVERS(RT_KERNEL_SOLVER_ENUM)
#undef RT_KERNEL_SOLVER_ENUM
};

struct rt_kernel_problem {
    struct rt_points *points;
    const struct rt_dataset *dataset; /* its labels */
    struct rt_team *team;
    const struct rt_lapack *lapack; /* Cholesky's */
    enum rt_kernel_solver solver;
    rt_progress *progress; /* may be null */
    double memory_bytes;   /* to be used at most; 0: what is available */
    double *outputs;       /* [test][RT_OUTPUTS]: receives the test images' outputs; may be null */
};

/* What a search tries: pairs of width and ridge. */
struct rt_kernel_trial {
    double width, ridge;
    double error; /* share of held-out images; NaN: singular */
};

enum { RT_KERNEL_TRIALS_MAX = 256 };

struct rt_kernel_search {
    long fit, held_out; /* images: the first of the training set, and those after them */
    int count;
    struct rt_kernel_trial trials[RT_KERNEL_TRIALS_MAX];
    struct rt_kernel_trial best;
};

/* Tries widths by factors of 2 around 1 / mean |x - y|^2 (Gaussian) or 1 / mean |x - y| (Laplacian), on and on
 * where the best is the last, and ridges 0, 1e-5, 1e-4, ... 1, on the first `images` training images, of which
 * a fifth is held out. *width and *ridge: NaN to be searched, or what to keep. RT_EDATA when every trial is
 * singular. */
int rt_kernel_search(struct rt_kernel_search *search, const struct rt_kernel_problem *problem,
                     enum rt_kernel_index kernel, double width, double ridge, long images,
                     struct rt_error *err);

struct rt_kernel_result {
    long train, test;
    double norm; /* sqrt(sum over classes of alpha_c' K alpha_c): that of the function, or of w */
    struct rt_convergence convergence;
    long train_wrong, test_wrong, test_wrong_true; /* on given labels; test images on true labels */
    double matrix_s, factor_s, solve_s, predict_s; /* seconds */
    double shift; /* of the factor's diagonal, in parts of its mean, where its pivots needed one */
    bool stored;  /* K, beside its factor */
};

/* Solves on all training images and predicts the test images. RT_EDATA: singular; RT_EMEMORY says how much is
 * needed, how much is free and what fits. */
int rt_kernel_solve(struct rt_kernel_result *result, const struct rt_kernel_problem *problem,
                    const struct rt_kernel *kernel, double ridge, struct rt_error *err);

#endif
