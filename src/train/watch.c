#include "train/watch.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"

int rt_watch_create(struct rt_watch *watch, const struct rt_dataset *dataset, int batch_size, bool record,
                    struct rt_error *err)
{
    *watch = (struct rt_watch){.dataset = dataset};
    watch->labels_differ =
        dataset->labels_true && memcmp(dataset->labels, dataset->labels_true, dataset->train_count) != 0;
    if (!watch->labels_differ && !record)
        return RT_OK;
    RT_TRY(rt_alloc(&watch->outcomes, (size_t)batch_size, sizeof *watch->outcomes, "a batch's outcomes", err));
    return record ? rt_history_create(&watch->history, dataset->train_count, err) : RT_OK;
}

void rt_watch_free(struct rt_watch *watch)
{
    rt_history_free(&watch->history);
    rt_free(&watch->outcomes);
}

static void note_outcome(struct rt_learnt *learnt, const struct rt_image_outcome *outcome, int given, int truth)
{
    if (given == truth) {
        learnt->clean++;
        learnt->clean_right += outcome->right;
        return;
    }
    learnt->wrong++;
    learnt->memorised += outcome->right;
    learnt->recovered += outcome->predicted == truth && !isnan(outcome->loss); /* NaN predicts nothing */
}

void rt_watch_note(struct rt_watch *watch, const uint32_t *order, long count, struct rt_learnt *learnt)
{
    const struct rt_dataset *dataset = watch->dataset;

    for (long i = 0; i < count && watch->labels_differ; i++)
        note_outcome(learnt, &watch->outcomes[i], dataset->labels[order[i]], dataset->labels_true[order[i]]);
    for (long i = 0; i < count && watch->history.rows; i++) {
        const struct rt_image_outcome *outcome = &watch->outcomes[i];

        rt_history_note(&watch->history, order[i], outcome->loss, outcome->probability, outcome->margin,
                        outcome->right);
    }
}

int rt_watch_end_epoch(struct rt_watch *watch, struct rt_error *err)
{
    return watch->history.rows ? rt_history_end_epoch(&watch->history, err) : RT_OK;
}
