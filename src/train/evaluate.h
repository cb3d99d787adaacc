/* Evaluation: a network's loss and accuracy on one split, in order, with running statistics. */
#ifndef RT_TRAIN_EVALUATE_H
#define RT_TRAIN_EVALUATE_H

#include "data/dataset.h"
#include "engine/engine.h"

/* Larger than training's batches: nothing is kept for a backward pass. */
enum { RT_EVALUATION_BATCH = 500 };

enum rt_split { RT_SPLIT_TRAIN, RT_SPLIT_TEST };

struct rt_evaluation {
    double loss, accuracy; /* mean cross-entropy; share in 0..1: of the given labels */
    long count, correct;
    double loss_true, accuracy_true; /* of the true ones */
    long correct_true;
};

struct rt_evaluator {
    const struct rt_store *store;
    const struct rt_store *store_true; /* of the same images with their true labels, the caller's; null, as
                                          rt_evaluator_create leaves it: the given ones are true */
    struct rt_plan *plan;              /* its own plan, sharing the trained plan's tensors */
};

/* Evaluates the tensors of `trained`, as they are at each call, on the store's images. Both must outlive the
 * evaluator; nothing of `trained` may be in flight during a call. Errors as rt_plan_create's. */
int rt_evaluator_create(struct rt_evaluator *evaluator, const struct rt_store *store, struct rt_plan *trained,
                        struct rt_error *err);
void rt_evaluator_free(struct rt_evaluator *evaluator); /* accepts the zeroed state */

/* One pass over the split's images, and another where some have a wrong label. outcomes: null, or room for
 * the split's images, on their given labels. Fails as rt_plan_collect does. */
int rt_evaluator_run(struct rt_evaluator *evaluator, enum rt_split split, struct rt_evaluation *evaluation,
                     struct rt_image_outcome *outcomes, struct rt_error *err);

#endif
