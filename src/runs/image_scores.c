#include "runs/image_scores.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "run/run.h"

/* The history must reach as far as the run. */
static int check_epochs(const struct rt_scored_run *run, struct rt_error *err)
{
    if ((int64_t)run->log.epochs < run->result.epochs)
        return rt_fail(err, RT_EDATA, "%s: its history has %zu epochs, the run has %" PRId64, run->path,
                       run->log.epochs, run->result.epochs);
    if (!run->log.epochs)
        return rt_fail(err, RT_EDATA, "%s: its history has no whole epoch yet", run->path);
    return RT_OK;
}

int rt_scored_run_read(struct rt_scored_run *out, const char *path, size_t first, struct rt_error *err)
{
    struct rt_image_scores *scores = &out->scores;

    *out = (struct rt_scored_run){0};
    RT_TRY(rt_path_join(out->path, "", path, err));
    RT_TRY(rt_run_read_config(&out->experiment, path, err));
    RT_TRY(rt_result_read(&out->result, path, err));
    RT_TRY(rt_history_read(&out->log, path, err));
    RT_TRY(check_epochs(out, err));
    scores->count = out->log.images;
    scores->epochs = first && first < out->log.epochs ? first : out->log.epochs;
    rt_copy_text(scores->name, sizeof scores->name, out->experiment.experiment_name);
    RT_TRY(rt_alloc(&out->values, scores->count * RT_SCORE_COUNT, sizeof *out->values, "scores", err));
    for (int k = 0; k < RT_SCORE_COUNT; k++) {
        scores->values[k] = out->values + (size_t)k * scores->count;
        rt_score_all(rt_score_list[k], &out->log, scores->epochs, scores->values[k]);
    }
    return RT_OK;
}

static int check_data(const struct rt_scored_run *run, struct rt_error *err)
{
    const struct rt_dataset *dataset = &run->dataset;
    const struct rt_provenance *seen = &run->result.provenance;

    if (strcmp(dataset->digest, seen->data.digest) != 0 ||
        strcmp(dataset->corruption_digest, seen->data.corruption_digest) != 0)
        return rt_fail(
            err, RT_EDATA,
            "%s (%s): its images or labels are not those that %s was trained on (digest %.12s... and %.12s..., "
            "trained on %.12s... and %.12s...); --data names others",
            dataset->name, dataset->source, run->path, dataset->digest, dataset->corruption_digest,
            seen->data.digest, seen->data.corruption_digest);
    if (run->log.images != dataset->train_count)
        return rt_fail(err, RT_EDATA, "%s: its history is of %zu images, its training set has %zu", run->path,
                       run->log.images, dataset->train_count);
    return RT_OK;
}

int rt_scored_run_load(struct rt_scored_run *run, const char *data, struct rt_error *err)
{
    const struct rt_provenance *seen = &run->result.provenance;
    struct rt_image_scores *scores = &run->scores;
    int rc;

    if (!data)
        data = rt_path_is_folder(seen->data.source) ? seen->data.source : seen->data.name;
    RT_TRY(rt_dataset_load(&run->dataset, data, &run->experiment, 0, err));
    if ((rc = check_data(run, err)) ||
        (rc = rt_alloc(&run->wrong, scores->count, sizeof *run->wrong, "wrong labels", err))) {
        rt_dataset_free(&run->dataset);
        return rc;
    }
    for (size_t i = 0; i < scores->count; i++)
        scores->wrong_count += run->wrong[i] = run->dataset.labels[i] != run->dataset.labels_true[i];
    scores->wrong = scores->wrong_count ? run->wrong : NULL;
    scores->dataset = &run->dataset;
    return RT_OK;
}

bool rt_scored_run_changed_labels(const struct rt_scored_run *run)
{
    return run->experiment.reseed_on_resume && run->scores.wrong_count;
}

void rt_scored_run_free(struct rt_scored_run *run)
{
    rt_history_log_free(&run->log);
    rt_dataset_free(&run->dataset);
    rt_free(&run->wrong);
    rt_free(&run->values);
}

size_t rt_image_scores_end(const struct rt_image_scores *scores, bool typical, bool wrong, size_t most,
                           size_t *images)
{
    const double *aum = scores->values[RT_SCORE_aum];
    size_t count = 0;

    for (size_t i = 0; i < scores->count; i++) { /* insertion: sorted, the first of equals first */
        if (wrong && !(scores->wrong && scores->wrong[i]))
            continue;
        size_t at = count < most ? count++ : most;

        while (at > 0 && (typical ? aum[i] > aum[images[at - 1]] : aum[i] < aum[images[at - 1]])) {
            if (at < most)
                images[at] = images[at - 1];
            at--;
        }
        if (at < most)
            images[at] = i;
    }
    return count;
}
