/* What has been learnt of images whose given label is right, and of those whose label is wrong: sums over an
 * epoch as it is trained on, where a run's training labels differ from the true ones. */
#ifndef RT_RUN_LEARNT_H
#define RT_RUN_LEARNT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/json.h"
#include "config/metrics.h"

/* Images so far; all 0 where no labels differ, or none have been trained on. */
struct rt_learnt {
    int64_t clean;       /* whose given label is the true one, */
    int64_t clean_right; /* and predicted so */
    int64_t wrong;       /* whose given label is another, */
    int64_t memorised;   /* and predicted as given, */
    int64_t recovered;   /* or as true */
};

/* The shares, into train_acc_clean, train_memorised and train_recovered, if the sums are of all `images`: an
 * epoch that an older program began has only some. */
void rt_learnt_score(const struct rt_learnt *learnt, int64_t images, struct rt_scores *scores);

/* Whether they can be of an epoch with so many images and correct ones. */
bool rt_learnt_fits(const struct rt_learnt *learnt, int64_t images, int64_t correct);

/* For checkpoints: an object under `key`, or null where there are none; an older program's file has no such
 * key. RT_EDATA, RT_EMEMORY. */
int rt_learnt_write(const struct rt_learnt *learnt, struct rt_json *object, const char *key,
                    struct rt_error *err);
int rt_learnt_read(struct rt_learnt *learnt, const struct rt_json *object, const char *key, const char *path,
                   struct rt_error *err);

#endif
