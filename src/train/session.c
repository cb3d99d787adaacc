#include "train/session_state.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/entry.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/system.h"
#include "base/task.h"
#include "base/text.h"
#include "data/shared.h"
#include "track/metrics.h"
#include "train/flops.h"
#include "train/profile.h"
#include "train/published.h"
#include "train/resume.h"

/* Start-up takes seconds; until it is over, nothing has changed on disk, and there is nothing to save. */
static int check_stop(const struct rt_session *session, struct rt_error *err)
{
    if (!session->options->stop || !atomic_load(session->options->stop))
        return RT_OK;
    return rt_fail(err, RT_EINTERRUPTED, "interrupted before training began; the same command starts again");
}

/* ---- setting up, from the experiment to a network that could train ---- */

static int draw_seed(struct rt_experiment *experiment, struct rt_error *err)
{
    uint32_t seed;

    if (rt_system_random(&seed, sizeof seed))
        return rt_fail_errno(err, RT_EIO, errno,
                             "cannot draw a seed from the system; give one with --set seed=N");
    experiment->seed = (struct rt_optional_int){true, seed};
    rt_log_info("Drew seed %lld", (long long)experiment->seed.value);
    return RT_OK;
}

static int resolve_seed(struct rt_session *session, struct rt_error *err)
{
    struct rt_experiment *experiment = &session->experiment;

    if (experiment->seed.given && !(session->resumed && experiment->reseed_on_resume))
        return RT_OK;
    return draw_seed(experiment, err);
}

/* The data to load: those requested, or those of the resumed run if they can be found. */
static const char *choose_data(const struct rt_session *session)
{
    const struct rt_checkpoint *checkpoint = &session->checkpoint;

    if (session->options->data || !session->resumed)
        return session->options->data;
    return rt_checkpoint_data(checkpoint);
}

static int load_data(struct rt_session *session, struct rt_error *err)
{
    const struct rt_train_options *options = session->options;
    struct rt_dataset *dataset = &session->setup.dataset;
    const char *data = choose_data(session);

    RT_TRY(options->datasets
               ? rt_datasets_load(options->datasets, dataset, data, &session->experiment, options->threads, err)
               : rt_dataset_load(dataset, data, &session->experiment, options->threads, err));
    if (!session->resumed)
        return RT_OK;
    return rt_resume_check_data(&session->checkpoint, &session->experiment, &session->setup.dataset, err);
}

static int prepare_batches(struct rt_session *session, struct rt_error *err)
{
    const struct rt_experiment *experiment = &session->experiment;
    const struct rt_augmentation augmentation = rt_experiment_augmentation(experiment);

    return rt_batches_create(&session->batches, &session->setup.dataset, (int)experiment->batch_size,
                             (uint32_t)experiment->seed.value, &augmentation, err);
}

int rt_session_set_up(struct rt_session *session, struct rt_error *err)
{
    RT_TRY(resolve_seed(session, err));
    RT_TRY(load_data(session, err));
    RT_TRY(check_stop(session, err));
    session->setup.profile = session->options->profile;
    session->setup.lent = session->options->device;
    RT_TRY(rt_setup_network(&session->setup, &session->experiment, session->options->engine,
                            session->options->threads, true, err));
    RT_TRY(prepare_batches(session, err));
    return rt_watch_create(&session->watch, &session->setup.dataset, (int)session->experiment.batch_size,
                           session->experiment.record_images, err);
}

void rt_session_free(struct rt_session *session)
{
    rt_recorders_free(&session->recorders);
    rt_snapshot_free(&session->snapshot);
    rt_watch_free(&session->watch);
    rt_batches_free(&session->batches);
    rt_setup_free(&session->setup);
    rt_checkpoint_free(&session->checkpoint);
}

/* ---- the state to begin with ---- */

/* The loader's generator from the checkpoint, or reseeded if a new seed was drawn. */
static void restore_loader(struct rt_session *session, const struct rt_loader_state *loader)
{
    struct rt_loop *loop = &session->loop;

    if (!session->experiment.reseed_on_resume) {
        loop->epoch_start = loader->epoch_start;
        session->batches.generator = loader->now;
        return;
    }
    loop->epoch_start = session->batches.generator;
    if (loop->progress.batches)
        rt_batches_begin_epoch(&session->batches, (int)loop->progress.epochs + 1);
}

static int restore(struct rt_session *session, struct rt_error *err)
{
    struct rt_checkpoint *checkpoint = &session->checkpoint;
    struct rt_loader_state loader;

    session->loop.progress = checkpoint->progress;
    RT_TRY(rt_snapshot_load_model(session->setup.plan, &checkpoint->model, checkpoint->path, err));
    RT_TRY(rt_snapshot_load_optimizer(session->setup.plan, &checkpoint->optimizer, checkpoint->path, &loader,
                                      err));
    if (session->experiment.record_images && session->loop.progress.batches)
        RT_TRY(
            rt_snapshot_load_history(&session->watch.history, &checkpoint->optimizer, checkpoint->path, err));
    restore_loader(session, &loader);
    rt_safetensors_free(&checkpoint->model);
    rt_safetensors_free(&checkpoint->optimizer);
    return RT_OK;
}

/* Weights from the seed, then those of --init over them. */
static int initialize(struct rt_session *session, struct rt_error *err)
{
    const char *init = session->options->init;
    struct rt_safetensors weights = {0};
    int rc;

    session->loop.progress.scores = rt_scores_none();
    RT_TRY(rt_plan_initialize(session->setup.plan, (uint32_t)session->experiment.seed.value, err));
    if (!init)
        return RT_OK;
    RT_TRY(rt_safetensors_read(&weights, init, err));
    if (!(rc = rt_snapshot_load_model(session->setup.plan, &weights, init, err)))
        rt_log_info("Initial weights: %s", init);
    rt_safetensors_free(&weights);
    return rc;
}

/* ---- the session ---- */

static void say_changes(const struct rt_session *session)
{
    const struct rt_experiment *experiment = &session->experiment;
    const struct rt_checkpoint *checkpoint = &session->checkpoint;

    if (session->resumed && checkpoint->experiment.num_epochs != experiment->num_epochs)
        rt_log_info("Updated epochs from %lld to %lld", (long long)checkpoint->experiment.num_epochs,
                    (long long)experiment->num_epochs);
    if (experiment->checkpoint_every.given)
        rt_log_info("Checkpoint every %lld", (long long)experiment->checkpoint_every.value);
    if (session->resumed && (strcmp(checkpoint->provenance.engine, session->result.provenance.engine) != 0 ||
                             strcmp(checkpoint->provenance.target, session->result.provenance.target) != 0))
        rt_log_warn("the run was trained by engine %s (%s), now by %s (%s): sums will round differently",
                    checkpoint->provenance.engine, checkpoint->provenance.target,
                    session->result.provenance.engine, session->result.provenance.target);
}

static int start_recorders(struct rt_session *session, struct rt_error *err)
{
    const struct rt_progress *progress = &session->loop.progress;

    session->info = (struct rt_run_info){
        .experiment = &session->experiment,
        .run_dir = session->run.path,
        .provenance = &session->result.provenance,
        .batches_per_epoch = (int)session->result.batches_per_epoch,
        .start_epoch = (int)progress->epochs + 1,
        .start_step = progress->step,
        .start_batches = progress->serial,
        .start_wall_s = progress->wall_s,
        .epochs_expected = (int64_t)rt_expected_epochs(&session->experiment),
        .resumed = session->resumed,
        .verbosity = session->options->verbosity,
    };
    return rt_recorders_start(&session->recorders, session->experiment.track, &session->info, err);
}

/* From here on the run directory changes. */
static int begin(struct rt_session *session, struct rt_error *err)
{
    if (session->resumed && rt_entry_look(session->run.path, RT_METRICS_FILE) != RT_ENTRY_NONE)
        rt_session_note_metrics(session);
    if (session->resumed)
        RT_TRY(rt_resume_rewind(&session->checkpoint, session->run.path, err));
    else
        RT_TRY(rt_run_clear(&session->run, &session->experiment, RT_METRICS_FILE, err));
    if (session->experiment.record_images)
        RT_TRY(rt_history_open(&session->watch.history, session->run.path, session->loop.progress.epochs,
                               &session->checkpoint.history, err));
    RT_TRY(rt_log_open(session->run.path, RT_LOG_FILE, err));
    say_changes(session);
    if (!session->resumed && session->options->begin && *session->experiment.track)
        session->options->begin(&session->setup.dataset, session->run.path);
    RT_TRY(start_recorders(session, err));
    RT_TRY(rt_run_write_config(&session->run, &session->experiment, err));
    return rt_session_write_result(session, RT_RUN_running, err);
}

/* The final messages: the results of the run, whether it finished, was interrupted or diverged. */
static int end(struct rt_session *session, enum rt_status status, struct rt_error *err)
{
    struct rt_loop *loop = &session->loop;
    struct rt_outcome outcome;

    if (status == RT_OK && isnan(loop->progress.scores.test_acc))
        RT_TRY(rt_loop_measure_test(loop, &loop->progress.scores, err));
    rt_loop_note_time(loop);
    if (status == RT_OK) /* a session killed right after its last checkpoint has left some */
        RT_TRY(rt_session_remove_superseded(session, err));
    RT_TRY(rt_session_write_result(session,
                                   status == RT_OK             ? RT_RUN_finished
                                   : status == RT_EINTERRUPTED ? RT_RUN_interrupted
                                                               : RT_RUN_diverged,
                                   err));
    outcome = rt_loop_outcome(loop);
    return rt_recorders_finish(session->recorders, &outcome, status, err);
}

/* Where the steps of this session have spent their time. */
static void say_profile(const struct rt_session *session, int64_t steps)
{
    struct rt_profile profile = {0};
    struct rt_text text = {0};

    if (!session->options->profile || !steps)
        return;
    rt_profile_add(&profile, session->setup.plan, 1);
    if (!profile.count) {
        rt_log_warn("--profile: engine %s keeps no times", session->result.provenance.engine);
        return;
    }
    rt_log_info("Time by %s, of %lld steps, %.2fs in all%s", profile.by_kernel ? "kernel" : "op",
                (long long)steps, rt_profile_seconds(&profile),
                profile.by_kernel ? "; steps were launched kernel by kernel, which takes longer" : "");
    rt_profile_format(&profile, (double)steps, &text);
    for (const char *line = rt_text_string(&text); *line; line += *line == '\n') {
        const size_t length = strcspn(line, "\n");

        rt_log_info("%.*s", (int)length, line);
        line += length;
    }
    rt_text_free(&text);
}

static int train(struct rt_session *session, struct rt_error *err)
{
    struct rt_loop *loop = &session->loop;
    const int64_t first = loop->progress.serial;
    struct rt_error ending;
    int rc, ended;

    rc = rt_loop_run(loop, err);
    say_profile(session, loop->progress.serial - first);
    if (rc == RT_OK || rc == RT_EINTERRUPTED || rc == RT_EDIVERGED) {
        ended = end(session, (enum rt_status)rc, &ending);
        if (ended && err)
            *err = ending;
        rc = ended ? ended : rc;
    }
    return rc;
}

static int run_session(struct rt_session *session, struct rt_error *err)
{
    struct rt_loop *loop = &session->loop;

    RT_TRY(check_stop(session, err));
    RT_TRY(rt_session_set_up(session, err));
    RT_TRY(rt_snapshot_create(&session->snapshot, session->setup.plan, &session->watch.history, err));
    RT_TRY(session->resumed ? restore(session, err) : initialize(session, err));
    loop->experiment = &session->experiment;
    loop->plan = session->setup.plan;
    loop->store = session->setup.store;
    loop->batches = &session->batches;
    loop->watch = &session->watch;
    loop->evaluator = &session->setup.evaluator;
    loop->flops_per_image = rt_flops_training(&session->setup.graph);
    loop->autosave_s = session->options->autosave_s;
    loop->save = rt_session_save;
    loop->context = session;
    loop->stop = session->options->stop;
    rt_session_describe(session);
    RT_TRY(check_stop(session, err));
    RT_TRY(begin(session, err));
    loop->recorders = session->recorders;
    return train(session, err);
}

/* ---- what there is to do ---- */

bool rt_session_is_finished(const struct rt_session *session)
{
    struct rt_result result;

    return session->resumed && rt_progress_complete(&session->checkpoint.progress, &session->experiment) &&
           !rt_result_read(&result, session->run.path, NULL) && result.state == RT_RUN_finished &&
           result.step == session->checkpoint.progress.step;
}

static void say_finished(const struct rt_session *session)
{
    const struct rt_progress *progress = &session->checkpoint.progress;

    if (progress->epochs < session->experiment.num_epochs)
        rt_log_info(
            "%s: interpolation threshold reached at epoch %lld, and no need to continue (--set curve=true "
            "would)",
            session->experiment.experiment_name, (long long)progress->threshold.epoch);
    else
        rt_log_info("%s: already trained to epoch %lld (--epochs N continues, --fresh starts over)",
                    session->experiment.experiment_name, (long long)progress->epochs);
}

int rt_session_find_checkpoint(struct rt_session *session, struct rt_error *err)
{
    RT_TRY(rt_resume_find(&session->checkpoint, &session->resumed, &session->experiment, session->run.path,
                          session->options, err));
    if (session->resumed && session->options->init)
        return rt_fail(err, RT_EUSAGE, "--init: %s would resume from %s; add --fresh to start over",
                       session->experiment.experiment_name, rt_path_name(session->checkpoint.path));
    return RT_OK;
}

/* In the session's own task. */
static int run(const struct rt_experiment *experiment, const struct rt_train_options *options,
               struct rt_error *err)
{
    struct rt_session *session = NULL;
    int rc;

    RT_TRY(rt_alloc(&session, 1, sizeof *session, "a training session", err));
    session->options = options;
    session->experiment = *experiment;
    if ((rc = rt_run_open(&session->run, options->runs, experiment, err)) ||
        (rc = rt_session_find_checkpoint(session, err)))
        goto done;
    if (rt_session_is_finished(session)) {
        say_finished(session);
        goto done;
    }
    rc = run_session(session, err);
done:
    rt_session_free(session);
    rt_run_abandon(&session->run);
    if (rt_log_close(rc ? NULL : err) && !rc)
        rc = RT_EIO;
    rt_free(&session);
    return rc;
}

int rt_train(const struct rt_experiment *experiment, const struct rt_train_options *options,
             struct rt_error *err)
{
    struct rt_task *task, *before;
    int rc;

    RT_TRY(rt_task_create(&task, (enum rt_log_level)options->verbosity, err));
    before = rt_task_enter(task);
    rc = run(experiment, options, err);
    rt_task_enter(before);
    rt_task_free(&task);
    return rc;
}
