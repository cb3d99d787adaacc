/* The table of a network's layers that `rethink view` and `rethink train --view` print. */
#ifndef RT_CLI_VIEW_H
#define RT_CLI_VIEW_H

#include "config/experiment.h"

/* Prints the experiment's network to standard output, layer by layer, with totals. */
int rt_view_print(const struct rt_experiment *experiment, struct rt_error *err);

#endif
