/* What a session would do, without doing it. */
#include "base/memory.h"
#include "base/text.h"
#include "train/flops.h"
#include "train/session_state.h"

static void fill_forecast(struct rt_train_forecast *forecast, const struct rt_session *session)
{
    const struct rt_dataset *dataset = &session->setup.dataset;
    const size_t images = dataset->train_count + dataset->test_count;
    const size_t image = (size_t)(dataset->channels * dataset->side * dataset->side);

    rt_copy_text(forecast->data.name, sizeof forecast->data.name, dataset->name);
    rt_copy_text(forecast->data.source, sizeof forecast->data.source, dataset->source);
    rt_copy_text(forecast->data.digest, sizeof forecast->data.digest, dataset->digest);
    forecast->data.official = dataset->official;
    forecast->data.train_count = (int64_t)dataset->train_count;
    forecast->data.test_count = (int64_t)dataset->test_count;
    forecast->engine = session->setup.device->engine->name;
    forecast->threads = session->setup.device->options.threads;
    forecast->parameters = (int64_t)rt_graph_parameter_count(&session->setup.graph);
    forecast->batches_per_epoch = rt_batches_per_epoch(&session->batches);
    forecast->flops_per_epoch = rt_flops_training(&session->setup.graph) * (double)dataset->train_count;
    forecast->plan_bytes = (int64_t)(rt_plan_memory_bytes(session->setup.plan) +
                                     rt_plan_memory_bytes(session->setup.evaluator.plan));
    forecast->disk = rt_disk_need(&session->experiment, &session->setup.graph,
                                  (double)session->experiment.num_epochs, (double)forecast->batches_per_epoch);
    forecast->data_bytes = (int64_t)(images * (1 + image * (dataset->noise ? sizeof(float) : 1)));
}

static int forecast_session(struct rt_train_forecast *forecast, struct rt_session *session,
                            struct rt_error *err)
{
    RT_TRY(rt_session_find_checkpoint(session, err));
    forecast->complete = rt_session_is_finished(session);
    forecast->resumed = session->resumed;
    forecast->from_epoch = session->checkpoint.progress.epochs + 1;
    rt_copy_text(forecast->checkpoint, RT_PATH_MAX, session->checkpoint.path);
    forecast->experiment = session->experiment;
    if (forecast->complete)
        return RT_OK;
    RT_TRY(rt_session_set_up(session, err));
    forecast->experiment = session->experiment; /* now with its seed */
    fill_forecast(forecast, session);
    return RT_OK;
}

int rt_train_forecast(struct rt_train_forecast *forecast, const struct rt_experiment *experiment,
                      const struct rt_train_options *options, struct rt_error *err)
{
    struct rt_session *session = NULL;
    int rc;

    *forecast = (struct rt_train_forecast){0};
    RT_TRY(rt_alloc(&session, 1, sizeof *session, "a training session", err));
    session->options = options;
    session->experiment = *experiment;
    if (!(rc = rt_run_path(session->run.path, options->runs, experiment, err)))
        rc = forecast_session(forecast, session, err);
    rt_copy_text(forecast->run_dir, RT_PATH_MAX, session->run.path);
    rt_session_free(session);
    rt_free(&session);
    return rc;
}
