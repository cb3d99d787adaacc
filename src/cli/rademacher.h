/* The parts of `rethink rademacher`. */
#ifndef RT_CLI_RADEMACHER_H
#define RT_CLI_RADEMACHER_H

#include "base/path.h"
#include "cli/command.h"
#include "config/experiment.h"

enum { RT_RADEMACHER_LIST_MAX = 16, RT_RADEMACHER_DRAWS_MAX = 1000 };

/* A network trained on one draw of signs for the first n images. */
struct rt_rademacher_run {
    struct rt_experiment experiment;
    char directory[RT_PATH_MAX];
    int model, n, draw;                   /* indices */
    double correlation, test_correlation; /* 2 accuracy - 1 on the signs of training and of test images */
    double weights;
};

struct rt_rademacher {
    const struct rt_arguments *arguments;
    long n[RT_RADEMACHER_LIST_MAX], features[RT_RADEMACHER_LIST_MAX];
    int n_count, feature_count, draws;
    uint32_t seed;                              /* of the first draw */
    const char *models[RT_RADEMACHER_LIST_MAX]; /* names */
    int model_count;
    struct rt_rademacher_run *runs; /* [run_count]: draw by draw, then n, then model */
    int run_count;
    /* of linear classes, for each n and draw: */
    struct rt_rademacher_linear {
        double bounded[RT_RADEMACHER_LIST_MAX], signs[RT_RADEMACHER_LIST_MAX]; /* for each number of features */
        double within_ball, ball_expected;
    } * linear; /* [n_count][draws] */
};

/* Evaluates all runs and the linear classes on their signs. RT_EDATA where a run has not got so far, or was
 * trained on other images. */
int rt_rademacher_measure(struct rt_rademacher *work, struct rt_error *err);

/* Correlation against n, of the networks and of the linear classes of mean square 1: NAME.csv, .gp, .svg, .png
 * and .pdf in the folder. RT_EIO. */
int rt_rademacher_draw(const struct rt_rademacher *work, const char *name, const char *folder,
                       struct rt_error *err);

#endif
