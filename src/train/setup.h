/* An experiment's data and network, ready to train or to evaluate. */
#ifndef RT_TRAIN_SETUP_H
#define RT_TRAIN_SETUP_H

#include "config/experiment.h"
#include "config/provenance.h"
#include "data/dataset.h"
#include "engine/engine.h"
#include "train/evaluate.h"

struct rt_setup {
    struct rt_dataset dataset;
    bool profile; /* to be set before: the plan measures the times of its stages */
    struct rt_graph graph;
    struct rt_device
        *lent; /* to be set before: the device to use, still owned by the caller; null: one is opened */
    struct rt_device *device;
    struct rt_store *store;         /* of the dataset */
    struct rt_dataset dataset_true; /* the dataset's images with their true labels, all borrowed, */
    struct rt_store *store_true;    /* and its store; null where these are the given ones */
    struct rt_plan *plan;           /* tensors not yet initialised */
    struct rt_evaluator evaluator;
};

/* The dataset is loaded already: rt_dataset_load. The engine is `engine`, or the first on experiment->device
 * where that is null; `threads` 0: one per core. Without `training` the plan can only be evaluated. Free it
 * also after an error. RT_EUSAGE, RT_ECONFIG, RT_EMEMORY. */
int rt_setup_network(struct rt_setup *setup, const struct rt_experiment *experiment, const char *engine,
                     int threads, bool training, struct rt_error *err);
void rt_setup_free(struct rt_setup *setup); /* accepts the zeroed state */

/* What will be computed from what, by what and where. */
void rt_setup_describe(const struct rt_setup *setup, struct rt_provenance *provenance);

#endif
