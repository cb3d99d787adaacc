/* rethink kernel --sgd: SGD from zero on the linear model, which ends at the minimum-norm solution. */
#ifndef RT_CLI_KERNEL_H
#define RT_CLI_KERNEL_H

#include "cli/command.h"
#include "theory/points.h"

/* Follows it on the points and prints distance and rest against steps. `seed`: of the order of images. */
int rt_kernel_follow_sgd(const struct rt_arguments *arguments, const struct rt_points *points, uint32_t seed,
                         struct rt_error *err);

#endif
