#include "train/resume.h"

#include <stdio.h>
#include <string.h>

#include "base/entry.h"
#include "base/log.h"
#include "base/text.h"
#include "track/metrics.h"

/* ---- finding it ---- */

/* The path that --set resume_checkpoint gave: as it is, or a name in the run directory. */
static int find_given(char path[RT_PATH_MAX], const char *given, const char *run_dir, struct rt_error *err)
{
    if (rt_checkpoint_is(given))
        return rt_path_join(path, "", given, err);
    RT_TRY(rt_path_join(path, run_dir, given, err));
    if (!rt_checkpoint_is(path))
        return rt_fail(err, RT_EDATA,
                       "resume_checkpoint: %s is no checkpoint, nor is there one of that name in %s", given,
                       run_dir);
    return RT_OK;
}

/* A run marked finished but without a checkpoint is not silently trained again. */
static int check_unfinished(const char *run_dir, struct rt_error *err)
{
    struct rt_result result;

    if (rt_entry_look(run_dir, RT_RESULT_FILE) == RT_ENTRY_NONE)
        return RT_OK;
    RT_TRY(rt_result_read(&result, run_dir, err));
    if (result.state == RT_RUN_finished)
        return rt_fail(err, RT_EDATA,
                       "%s: the run finished, but has no checkpoint left; --fresh starts it over", run_dir);
    return RT_OK;
}

/* Reads the checkpoint and holds what is on disk beside it. RT_EDATA: it is damaged, or does not match. */
static int read_fitting(struct rt_checkpoint *checkpoint, const char *path, const char *run_dir,
                        struct rt_error *err)
{
    int rc;

    RT_TRY(rt_checkpoint_read(checkpoint, path, err));
    if ((rc = rt_history_check(&checkpoint->history, run_dir, checkpoint->progress.epochs, err))) {
        rt_checkpoint_free(checkpoint);
        return rc;
    }
    if (rt_entry_look(run_dir, RT_METRICS_FILE) == RT_ENTRY_NONE)
        return RT_OK; /* rewinding warns of that */
    rc = rt_checkpoint_check_metrics(checkpoint, run_dir, RT_METRICS_FILE, err);
    if (rc)
        rt_checkpoint_free(checkpoint);
    return rc;
}

/* Advice if nothing could be read: on a failing disk, nothing should be removed. */
static int give_up(const struct rt_error *trouble, const char *before, struct rt_error *err)
{
    if (trouble->status == RT_EMEMORY)
        return rt_fail(err, RT_EMEMORY, "%s", trouble->message);
    if (trouble->status == RT_EDATA)
        return rt_fail(err, RT_EDATA,
                       "%.700s; no checkpoint is complete and matches metrics.csv; --fresh starts over",
                       trouble->message);
    if (*before)
        return rt_fail(err, trouble->status, "%.700s; --set resume_checkpoint=%s resumes from the one before",
                       trouble->message, before);
    return rt_fail(err, trouble->status, "%s", trouble->message);
}

/* The newest checkpoint that is complete and matches what is on disk; *found false when there is none at all.
 */
static int find_newest(struct rt_checkpoint *checkpoint, bool *found, const char *run_dir,
                       const char *experiment_name, struct rt_error *err)
{
    struct rt_checkpoint_list list = {0};
    struct rt_error newest = {0}, trouble;
    char path[RT_PATH_MAX];
    int rc = RT_OK, i;

    if (!rt_path_is_folder(run_dir))
        return RT_OK;
    RT_TRY(rt_checkpoint_list(&list, run_dir, experiment_name, err));
    for (i = list.count - 1; i >= 0 && !*found && (!rc || rc == RT_EDATA); i--) {
        if ((rc = rt_path_join(path, run_dir, list.items[i].name, &trouble)) ||
            (rc = read_fitting(checkpoint, path, run_dir, &trouble)))
            newest = newest.status && rc == RT_EDATA ? newest : trouble;
        else
            *found = true;
    }
    if (!list.count)
        rc = check_unfinished(run_dir, err);
    else if (!*found)
        rc = give_up(&newest, i >= 0 && strstr(newest.message, rt_path_name(path)) ? list.items[i].name : "",
                     err);
    else if (newest.status)
        rt_log_warn("%s; resumes from %s, the newest checkpoint that is complete and matches metrics.csv",
                    newest.message, rt_path_name(checkpoint->path));
    rt_checkpoint_list_free(&list);
    return rc;
}

/* ---- may it go on? ---- */

static int check_experiment(const struct rt_checkpoint *checkpoint, const struct rt_experiment *experiment,
                            struct rt_error *err)
{
    struct rt_text differences = {0}, assignments = {0};
    char ignored[sizeof RT_RUN_MAY_CHANGE + 32];

    /* Between epochs, log points may come at other intervals; in figure 2 each draws a random number. */
    snprintf(ignored, sizeof ignored, "%s%s%s", RT_RUN_MAY_CHANGE, experiment->reseed_on_resume ? " seed" : "",
             checkpoint->progress.batches || !experiment->figure1 ? "" : " log_every");
    if (!rt_experiment_difference(experiment, &checkpoint->experiment, ignored))
        return RT_OK;
    rt_experiment_append_differences(experiment, &checkpoint->experiment, ignored, &differences);
    rt_experiment_format_assignments(&checkpoint->experiment, experiment, ignored, &assignments);
    rt_fail(err, RT_ECONFIG,
            "%s: %.400s%s as the run was trained: %.400s resumes it, --fresh starts over, --set "
            "experiment_name=NAME keeps both",
            checkpoint->path, rt_text_string(&differences), differences.length > 400 ? " ..." : "",
            rt_text_string(&assignments));
    rt_text_free(&differences);
    rt_text_free(&assignments);
    return RT_ECONFIG;
}

/* experiment_key is set by a recorder after the checkpoint was written: config.yaml knows the latest. */
static void take_experiment_key(struct rt_experiment *experiment, const char *run_dir)
{
    struct rt_experiment current;

    if (!rt_run_read_config(&current, run_dir, NULL) && *current.experiment_key)
        rt_copy_text(experiment->experiment_key, RT_TEXT_MAX, current.experiment_key);
}

/* How many checkpoints are kept if only the default says so now: as many as before. */
static void take_over_keeping(struct rt_experiment *experiment, const struct rt_checkpoint *checkpoint)
{
    struct rt_experiment defaults;

    rt_experiment_defaults(&defaults);
    if (experiment->keep_checkpoints.given &&
        experiment->keep_checkpoints.value == defaults.keep_checkpoints.value)
        experiment->keep_checkpoints = checkpoint->experiment.keep_checkpoints;
}

/* What the earlier session decided. */
static void take_over(struct rt_experiment *experiment, const struct rt_checkpoint *checkpoint,
                      const struct rt_train_options *options)
{
    const struct rt_experiment *had = &checkpoint->experiment;

    if (!experiment->seed.given && !experiment->reseed_on_resume)
        experiment->seed = had->seed;
    if (!options->epochs_given && had->num_epochs > experiment->num_epochs)
        experiment->num_epochs = had->num_epochs;
    if (!options->keep_given)
        take_over_keeping(experiment, checkpoint);
    rt_copy_text(experiment->experiment_key, RT_TEXT_MAX, had->experiment_key);
    experiment->interp_reached = checkpoint->progress.threshold.reached;
    rt_copy_text(experiment->resume_checkpoint, RT_TEXT_MAX, rt_path_name(checkpoint->path));
}

/* The requested checkpoint, and no other. */
static int read_given(struct rt_checkpoint *checkpoint, bool *found, const char *given, const char *run_dir,
                      struct rt_error *err)
{
    char path[RT_PATH_MAX];
    struct rt_error trouble;
    int rc;

    RT_TRY(find_given(path, given, run_dir, err));
    rc = read_fitting(checkpoint, path, run_dir, &trouble);
    *found = !rc;
    if (rc == RT_EDATA)
        return rt_fail(
            err, RT_EDATA,
            "%.700s; without --set resume_checkpoint the newest that is complete and matches is resumed, "
            "--fresh starts over",
            trouble.message);
    return rc ? rt_fail(err, trouble.status, "%s", trouble.message) : RT_OK;
}

/* A run's own config.yaml, taken as an experiment, names a checkpoint of its folder: "e_005_NAME". */
static bool names_own_checkpoint(const struct rt_experiment *experiment)
{
    const char *name = experiment->resume_checkpoint;

    return !strncmp(name, "e_", 2) && !strchr(name, '/') &&
           rt_path_has_suffix(name, experiment->experiment_name);
}

/* What the config of a run that is in progress elsewhere says about its state: the published program's, or a
 * copied one. */
static void say_not_used(const struct rt_experiment *experiment, const char *run_dir,
                         const struct rt_checkpoint *found)
{
    const char *named = experiment->resume_checkpoint;

    if (found && *named && !names_own_checkpoint(experiment))
        rt_log_warn("resume_checkpoint: %s, in the config, is not used: the run resumes from %s; --set "
                    "resume_checkpoint=... asks for another",
                    named, found->path);
    else if (!found && *named)
        rt_log_warn(
            "resume_checkpoint: %s%s, in the config, %s not used, and training starts at the first epoch: %s",
            named, experiment->interp_reached ? " and interp_reached: true" : "",
            experiment->interp_reached ? "are" : "is",
            rt_path_has_suffix(named, ".pt")
                ? "PyTorch's checkpoints are not read (--init FILE begins with weights in a safetensors file)"
                : "--set resume_checkpoint=... asks for a checkpoint");
    else if (!found && experiment->interp_reached)
        rt_log_warn("interp_reached: true, in the config, is not used: there is no checkpoint in %s, and "
                    "training starts at the first epoch",
                    run_dir);
}

/* Nothing is resumed: the keys that the program keeps current begin anew. */
static void forget_state(struct rt_experiment *experiment)
{
    experiment->resume_checkpoint[0] = experiment->experiment_key[0] = '\0';
    experiment->interp_reached = false;
}

int rt_resume_find(struct rt_checkpoint *checkpoint, bool *found, struct rt_experiment *experiment,
                   const char *run_dir, const struct rt_train_options *options, struct rt_error *err)
{
    int rc;

    *found = false;
    if (options->fresh) {
        forget_state(experiment);
        return RT_OK;
    }
    if (options->resume_given && *experiment->resume_checkpoint)
        RT_TRY(read_given(checkpoint, found, experiment->resume_checkpoint, run_dir, err));
    else
        RT_TRY(find_newest(checkpoint, found, run_dir, experiment->experiment_name, err));
    if (!options->resume_given)
        say_not_used(experiment, run_dir, *found ? checkpoint : NULL);
    if (!*found) {
        forget_state(experiment);
        return RT_OK;
    }
    take_over(experiment, checkpoint, options);
    take_experiment_key(experiment, run_dir);
    rc = check_experiment(checkpoint, experiment, err);
    if (rc)
        rt_checkpoint_free(checkpoint);
    *found = !rc;
    return rc;
}

/* Its position must be valid in an epoch of this data set: batches are addressed by number. */
static int check_place(const struct rt_checkpoint *checkpoint, const struct rt_dataset *dataset,
                       struct rt_error *err)
{
    const struct rt_progress *at = &checkpoint->progress;
    const int64_t batch = checkpoint->experiment.batch_size;
    const int64_t per_epoch = ((int64_t)dataset->train_count + batch - 1) / batch;

    if (at->batches < per_epoch && at->serial == at->epochs * per_epoch + at->batches)
        return RT_OK;
    return rt_fail(
        err, RT_EDATA,
        "%s: stands after %lld epochs and %lld batches, %lld in all, but an epoch has %lld: no checkpoint "
        "of such a run; --fresh starts over",
        checkpoint->path, (long long)at->epochs, (long long)at->batches, (long long)at->serial,
        (long long)per_epoch);
}

int rt_resume_check_data(const struct rt_checkpoint *checkpoint, const struct rt_experiment *experiment,
                         const struct rt_dataset *dataset, struct rt_error *err)
{
    if (strcmp(checkpoint->provenance.data.digest, dataset->digest) != 0)
        return rt_fail(
            err, RT_EDATA,
            "%s: these images (digest %.12s...) are not those that %s was trained on (%s, %.12s...); "
            "--data names others, --fresh starts over",
            dataset->source, dataset->digest, rt_path_name(checkpoint->path), checkpoint->provenance.data.name,
            checkpoint->provenance.data.digest);
    if (!experiment->reseed_on_resume &&
        strcmp(checkpoint->provenance.data.corruption_digest, dataset->corruption_digest) != 0)
        return rt_fail(err, RT_EDATA,
                       "%s: the corrupted images (digest %.12s...) are not those that %s was trained on "
                       "(%.12s...); --fresh starts over",
                       dataset->source, dataset->corruption_digest, rt_path_name(checkpoint->path),
                       checkpoint->provenance.data.corruption_digest);
    if (experiment->record_images && checkpoint->history.images != (int64_t)dataset->train_count)
        return rt_fail(err, RT_EDATA,
                       "%s: its history is of %lld images, the data have %zu; --fresh starts over",
                       checkpoint->path, (long long)checkpoint->history.images, dataset->train_count);
    return check_place(checkpoint, dataset, err);
}

/* ---- going back to it ---- */

static int remove_later(const struct rt_checkpoint *checkpoint, const char *run_dir, struct rt_error *err)
{
    const struct rt_progress *at = &checkpoint->progress;
    struct rt_checkpoint_list list = {0};
    char path[RT_PATH_MAX];
    int rc = rt_checkpoint_list(&list, run_dir, checkpoint->experiment.experiment_name, err);

    for (int i = list.count - 1; i >= 0 && !rc; i--) {
        const struct rt_checkpoint_entry *entry = &list.items[i];

        if (entry->epochs < at->epochs || (entry->epochs == at->epochs && entry->batches <= at->batches))
            break;
        rt_log_info("Removing checkpoint %s, which is later", entry->name);
        if (!(rc = rt_path_join(path, run_dir, entry->name, err)))
            rc = rt_tree_discard(path, run_dir, err);
    }
    rt_checkpoint_list_free(&list);
    return rc;
}

/* In this order: killed in between, the run still resumes from the newest checkpoint that is left. */
int rt_resume_rewind(const struct rt_checkpoint *checkpoint, const char *run_dir, struct rt_error *err)
{
    RT_TRY(remove_later(checkpoint, run_dir, err));
    if (rt_entry_look(run_dir, RT_METRICS_FILE) != RT_ENTRY_NONE)
        return rt_checkpoint_cut_metrics(checkpoint, run_dir, RT_METRICS_FILE, err);
    rt_log_warn("%s/%s: not there: it will begin at step %lld", run_dir, RT_METRICS_FILE,
                (long long)checkpoint->progress.step);
    return RT_OK;
}
