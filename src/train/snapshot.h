/* A plan's whole state as named tensors, to be saved and loaded. */
#ifndef RT_TRAIN_SNAPSHOT_H
#define RT_TRAIN_SNAPSHOT_H

#include "base/mt19937.h"
#include "engine/engine.h"
#include "run/history.h"
#include "run/safetensors.h"

/* The loader's random state at the start of the current epoch, and now. */
struct rt_loader_state {
    struct rt_mt epoch_start, now;
};

/* Room for one plan's state, laid out once and filled as often as wanted. */
struct rt_snapshot {
    struct rt_safetensors model;     /* every tensor of the graph */
    struct rt_safetensors optimizer; /* STATE.NAME for each of the optimiser's states ("momentum"), of every
                                        parameter; loader.generator U32 [2, 625]; within an epoch, where a
                                        history is kept, history.NAME of its arrays [images] */
    size_t history_first;            /* of these tensors */
    uint64_t history_images;
    const struct rt_history *history; /* rows null: none is kept */
    struct rt_plan *plan;
    void *storage, *names, *shapes, *loader;
    void *tensors;
};

/* The plan's engine must compute in float. `history`: null, or what must outlive the snapshot. RT_EMEMORY. */
int rt_snapshot_create(struct rt_snapshot *snapshot, struct rt_plan *plan, const struct rt_history *history,
                       struct rt_error *err);
void rt_snapshot_free(struct rt_snapshot *snapshot); /* accepts the zeroed state */
/* within_epoch: the history of the epoch under way is a part of the state. RT_EDEVICE. */
int rt_snapshot_take(struct rt_snapshot *snapshot, const struct rt_loader_state *loader, bool within_epoch,
                     struct rt_error *err);

/* Loads weights and statistics; every tensor must be there, with the graph's shape, as F32
 * (num_batches_tracked: I64), and no other. The first ten mismatches are warned of, before RT_EDATA counts
 * them all; nothing is loaded then. `path` is the file's, for messages. */
int rt_snapshot_load_model(struct rt_plan *plan, const struct rt_safetensors *model, const char *path,
                           struct rt_error *err);

/* Likewise the optimiser's states, and the loader's. Errors as above. */
int rt_snapshot_load_optimizer(struct rt_plan *plan, const struct rt_safetensors *optimizer, const char *path,
                               struct rt_loader_state *loader, struct rt_error *err);

/* And what is known of the images of the epoch under way. RT_EDATA. */
int rt_snapshot_load_history(struct rt_history *history, const struct rt_safetensors *optimizer,
                             const char *path, struct rt_error *err);

#endif
