/* The table of a network's layers that `rethink view` and `rethink train --view` print. */
#ifndef RT_CLI_VIEW_H
#define RT_CLI_VIEW_H

#include "config/experiment.h"

/* Prints the experiment's network for images of `data` (as --data) to standard output, layer by layer, with
 * totals. */
int rt_view_print(const struct rt_experiment *experiment, const char *data, struct rt_error *err);

#endif
