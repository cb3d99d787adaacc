/* How much disk a run needs: its checkpoints, most of it, and what it records. */
#ifndef RT_TRAIN_DISK_H
#define RT_TRAIN_DISK_H

#include "config/experiment.h"
#include "net/graph.h"

struct rt_disk_need {
    double checkpoint_bytes; /* of one */
    double checkpoints;      /* at once at most, with the one that is being written */
    double records_bytes;    /* metrics, events, log: an estimate */
    double bytes;            /* in all, at most */
};

/* Of a run of so many epochs in all. */
struct rt_disk_need rt_disk_need(const struct rt_experiment *experiment, const struct rt_graph *graph,
                                 double epochs, double batches_per_epoch);

/* Bytes free for us where the folder is or will be; NaN when the system does not say. */
double rt_disk_free(const char *path);

#endif
