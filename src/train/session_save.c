/* What a session writes into its run directory while it trains. */
#include <stdio.h>

#include "base/memory.h"
#include "base/text.h"
#include "track/metrics.h"
#include "train/session_state.h"

void rt_session_describe(struct rt_session *session)
{
    const struct rt_experiment *experiment = &session->experiment;
    struct rt_result *result = &session->result;

    rt_copy_text(result->experiment_name, sizeof result->experiment_name, experiment->experiment_name);
    rt_copy_text(result->model_name, sizeof result->model_name, experiment->model_name);
    rt_copy_text(result->data_corruption_type, sizeof result->data_corruption_type,
                 experiment->data_corruption_type);
    result->bn = experiment->bn;
    result->curve = experiment->curve;
    result->figure1 = experiment->figure1;
    result->label_corruption_prob = experiment->label_corruption_prob;
    result->learning_rate = experiment->learning_rate;
    result->seed = experiment->seed.value;
    result->batch_size = experiment->batch_size;
    result->log_every = experiment->log_every;
    result->batches_per_epoch = rt_batches_per_epoch(&session->batches);
    rt_setup_describe(&session->setup, &result->provenance);
    rt_run_devices_note(&session->loop.progress.devices, &result->provenance);
    rt_copy_text(result->provenance.data.label_file, sizeof result->provenance.data.label_file,
                 experiment->label_file);
    rt_copy_text(result->provenance.data.label_digest, sizeof result->provenance.data.label_digest,
                 session->setup.dataset.label_digest);
}

int rt_session_write_result(struct rt_session *session, enum rt_run_state state, struct rt_error *err)
{
    const struct rt_progress *progress = &session->loop.progress;
    struct rt_result *result = &session->result;

    result->state = state;
    result->epochs = progress->epochs;
    result->step = progress->step;
    result->threshold = progress->threshold;
    result->best = progress->best;
    result->devices = progress->devices;
    rt_best_note(&result->best, progress->epochs, &progress->scores); /* the test at the end, too */
    result->final = progress->scores;
    result->training_flops = rt_loop_flops(&session->loop);
    result->wall_s = progress->wall_s;
    result->cpu_s = progress->cpu_s;
    result->peak_memory_bytes = (int64_t)rt_peak_memory_bytes();
    return rt_run_write_result(&session->run, result, err);
}

/* A checkpoint is the same whether or not its run was ever interrupted, times aside. */
static void describe_checkpoint(struct rt_session *session)
{
    struct rt_checkpoint *checkpoint = &session->checkpoint;

    checkpoint->progress = session->loop.progress;
    checkpoint->experiment = session->experiment;
    checkpoint->experiment.resume_checkpoint[0] = '\0';
    checkpoint->experiment.experiment_key[0] = '\0';
    checkpoint->history = session->watch.history.mark;
    checkpoint->model = session->snapshot.model; /* lent */
    checkpoint->optimizer = session->snapshot.optimizer;
    checkpoint->provenance = session->result.provenance;
}

void rt_session_note_metrics(struct rt_session *session)
{
    const struct rt_checkpoint *checkpoint = &session->checkpoint;

    session->result.metrics_size_bytes = checkpoint->metrics_size_bytes;
    rt_copy_text(session->result.metrics_digest, sizeof session->result.metrics_digest,
                 checkpoint->metrics_digest);
}

/* A checkpoint within an epoch is kept until there is a later one, and then as a fallback while there is no
 * other. */
static bool falls_back(const struct rt_session *session, const struct rt_checkpoint_list *list, int i)
{
    const struct rt_optional_int *keep = &session->experiment.keep_checkpoints;

    if (i != list->count - 2 || (keep->given && keep->value < 2) ||
        rt_progress_complete(&session->loop.progress, &session->experiment))
        return false;
    while (i > 0 && list->items[i].batches)
        i--;
    return list->items[i].batches > 0;
}

/* `newer`: how many after whole epochs are newer and stay. */
static bool stays(const struct rt_session *session, const struct rt_checkpoint_list *list, int i, int64_t newer)
{
    const struct rt_threshold *threshold = &session->loop.progress.threshold;
    const struct rt_optional_int *keep = &session->experiment.keep_checkpoints;
    const struct rt_checkpoint_entry *entry = &list->items[i];

    if (i == list->count - 1)
        return true;
    if (entry->batches)
        return falls_back(session, list, i);
    return !keep->given || newer < keep->value || (threshold->reached && threshold->epoch == entry->epochs);
}

int rt_session_remove_superseded(struct rt_session *session, struct rt_error *err)
{
    struct rt_checkpoint_list list = {0};
    char path[RT_PATH_MAX];
    int64_t newer = 0;
    int rc = rt_checkpoint_list(&list, session->run.path, session->experiment.experiment_name, err);

    for (int i = list.count - 1; i >= 0 && !rc; i--) {
        if (stays(session, &list, i, newer))
            newer += !list.items[i].batches;
        else if (!(rc = rt_path_join(path, session->run.path, list.items[i].name, err)))
            rc = rt_tree_discard(path, session->run.path, err);
    }
    rt_checkpoint_list_free(&list);
    return rc;
}

int rt_session_save(void *context, struct rt_error *err)
{
    struct rt_session *session = context;
    struct rt_experiment *experiment = &session->experiment;
    const struct rt_loader_state loader = {session->loop.epoch_start, session->batches.generator};
    int rc;

    RT_TRY(rt_lock_check(&session->run.lock, err));
    RT_TRY(rt_recorders_sync(session->recorders, err));
    RT_TRY(rt_history_sync(&session->watch.history, err));
    experiment->interp_reached = session->loop.progress.threshold.reached;
    RT_TRY(rt_snapshot_take(&session->snapshot, &loader, session->loop.progress.batches > 0, err));
    describe_checkpoint(session);
    rc = rt_checkpoint_write(&session->checkpoint, session->run.path, RT_METRICS_FILE, err);
    session->checkpoint.model = session->checkpoint.optimizer = (struct rt_safetensors){0};
    RT_TRY(rc);
    rt_session_note_metrics(session);
    rt_copy_text(experiment->resume_checkpoint, RT_TEXT_MAX, rt_path_name(session->checkpoint.path));
    rt_recorders_keep(session->recorders, experiment);
    RT_TRY(rt_run_write_config(&session->run, experiment, err));
    RT_TRY(rt_session_write_result(session, RT_RUN_running, err));
    RT_TRY(rt_session_remove_superseded(session, err));
    return rt_recorders_checkpoint(session->recorders, session->checkpoint.path,
                                   (int)session->loop.progress.epochs, err);
}
