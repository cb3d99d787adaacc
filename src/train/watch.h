/* What becomes of each training image, as it is presented: from the outcomes of the batches that are trained
 * on, without a pass of its own. */
#ifndef RT_TRAIN_WATCH_H
#define RT_TRAIN_WATCH_H

#include "data/dataset.h"
#include "engine/engine.h"
#include "run/history.h"
#include "run/learnt.h"

struct rt_watch {
    const struct rt_dataset *dataset;
    bool labels_differ;                /* of some training image from the true one */
    struct rt_history history;         /* of every image; zeroed: none is kept */
    struct rt_image_outcome *outcomes; /* [batch_size]: the batch that is collected; null: none are wanted */
};

/* Wants outcomes where labels differ, or to `record` a history; takes its memory here. RT_EMEMORY. */
int rt_watch_create(struct rt_watch *watch, const struct rt_dataset *dataset, int batch_size, bool record,
                    struct rt_error *err);
void rt_watch_free(struct rt_watch *watch); /* accepts the zeroed state */

/* Takes in watch->outcomes of the next `count` images of the epoch, whose numbers are order[count]. */
void rt_watch_note(struct rt_watch *watch, const uint32_t *order, long count, struct rt_learnt *learnt);

/* The epoch is over: its history goes to disk. */
int rt_watch_end_epoch(struct rt_watch *watch, struct rt_error *err);

#endif
