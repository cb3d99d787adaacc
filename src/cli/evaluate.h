/* A run's newest checkpoint, for commands that evaluate it. */
#ifndef RT_CLI_EVALUATE_H
#define RT_CLI_EVALUATE_H

#include "run/checkpoint.h"

/* Reads the newest checkpoint of the run in the folder that is complete; a warning when it is not the newest of
 * all. RT_EDATA: there is none yet. */
int rt_checkpoint_read_newest(struct rt_checkpoint *checkpoint, const char *run_dir, struct rt_error *err);

#endif
