/* Parts of rethink kernel: what the paper states of it, and --sgd: SGD from zero on the linear model, which
 * ends at the minimum-norm solution. */
#ifndef RT_CLI_KERNEL_H
#define RT_CLI_KERNEL_H

#include "cli/command.h"
#include "data/dataset.h"
#include "theory/points.h"

enum { RT_KERNEL_PAPER_FILTERS = 32000 };

struct rt_kernel_paper {
    double error, norm; /* a share of the test images; of the solution; NaN: not stated */
    bool alike;         /* ours is on as many images, and as many filters */
    const char *with;   /* else on what the paper's is: ", on all images"; "" */
};

/* The paper's numbers for a Gaussian kernel on these images, which are not scrambled; none where any label is
 * wrong. `filters`: of features conv. */
struct rt_kernel_paper rt_kernel_paper(const struct rt_dataset *dataset, const char *features, long filters,
                                       double ridge);

/* Follows it on the points and prints distance and rest against steps. `seed`: of the order of images. */
int rt_kernel_follow_sgd(const struct rt_arguments *arguments, const struct rt_points *points, uint32_t seed,
                         struct rt_error *err);

#endif
