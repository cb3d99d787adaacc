/* Data sets that several users of one process read at the same time: the images once, whatever is done to the
 * labels. */
#ifndef RT_DATA_SHARED_H
#define RT_DATA_SHARED_H

#include "data/dataset.h"

struct rt_datasets;

int rt_datasets_create(struct rt_datasets **datasets, struct rt_error *err); /* RT_EMEMORY */
void rt_datasets_free(struct rt_datasets **datasets); /* after the data sets that came from it; accepts null */

/* As rt_dataset_load, but data sets of the same source, kept images and corruption of pixels have the same
 * `pixels` or `noise`: the same address, of bytes that nobody changes. Images that nobody uses any more stay
 * for the next who wants them, until others are loaded. Any thread may call it; a second one that wants what a
 * first one is loading waits for it. Errors as rt_dataset_load's. */
int rt_datasets_load(struct rt_datasets *datasets, struct rt_dataset *out, const char *data,
                     const struct rt_experiment *experiment, int threads, struct rt_error *err);

#endif
