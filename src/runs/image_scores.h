/* A run's training images as its history tells of them: scores, and, where the images are at hand, both labels
 * and pixels. */
#ifndef RT_RUNS_IMAGE_SCORES_H
#define RT_RUNS_IMAGE_SCORES_H

#include "base/path.h"
#include "data/dataset.h"
#include "run/result.h"
#include "runs/scores.h"

struct rt_image_scores {
    char name[RT_TEXT_MAX];           /* the run's */
    const struct rt_dataset *dataset; /* null: not loaded, and no label known */
    size_t count, epochs;             /* those that are scored */
    double *values[RT_SCORE_COUNT];   /* [count] */
    const bool *wrong; /* [count] whose given label is not the true one; null: none, or not known */
    size_t wrong_count;
};

/* A run, and what `scores` points to. */
struct rt_scored_run {
    char path[RT_PATH_MAX];
    struct rt_experiment experiment;
    struct rt_result result;
    struct rt_history_log log;
    struct rt_dataset dataset;
    bool *wrong;
    double *values;
    struct rt_image_scores scores;
};

/* Reads config, result and history of the run in folder `path`, and scores its first `first` epochs (0: all).
 * *out is to be freed, also after an error. RT_EDATA when the history is missing, damaged, empty or shorter
 * than the run. */
int rt_scored_run_read(struct rt_scored_run *out, const char *path, size_t first, struct rt_error *err);

/* Loads the images and labels that it was trained on: from `data`, or where the run read them (null). RT_EDATA
 * when those found are others. */
int rt_scored_run_load(struct rt_scored_run *run, const char *data, struct rt_error *err);

/* Whether wrong labels may have been others in earlier epochs: reseed_on_resume draws them anew. */
bool rt_scored_run_changed_labels(const struct rt_scored_run *run);
#define RT_LABELS_MAY_CHANGE                                                                                   \
    "reseed_on_resume: each resumption drew other wrong labels; epochs before the last one are scored by "     \
    "labels "                                                                                                  \
    "that are not these"

void rt_scored_run_free(struct rt_scored_run *run); /* accepts the zeroed state */

/* The `most` images of lowest AUM (`typical`: of highest) from that end on, the first of equals first; `wrong`:
 * of those whose label is wrong. Returns how many are in images[most]. */
size_t rt_image_scores_end(const struct rt_image_scores *scores, bool typical, bool wrong, size_t most,
                           size_t *images);

#endif
