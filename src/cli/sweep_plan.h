/* The plan of a sweep as --dry-run prints it. */
#ifndef RT_CLI_SWEEP_PLAN_H
#define RT_CLI_SWEEP_PLAN_H

#include "sweep/sweep.h"

/* Measures a few steps of each kind of run, then prints a line a run and the totals. */
int rt_sweep_plan_print(struct rt_sweep *sweep, struct rt_error *err);

#endif
