/* MLflow by its REST API (docs/tracking.md): one run for a run, points in batches. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "track/remote/mlflow.h"
#include "track/remote/remote.h"

/* ---- points */

/* Metrics can only be appended, so sending one twice would store it twice: after a call with an unknown outcome
 * the server is asked for the last step of each. */
static int settle_doubt(struct rt_link *link, struct rt_error *err)
{
    struct rt_mlflow *own = link->own;
    struct rt_json *answer = NULL;

    if (!link->doubtful)
        return RT_OK;
    RT_TRY(rt_mlflow_get(link, "runs/get", "run_id", link->position.run, &answer, err));
    rt_json_free(&own->stored);
    own->stored = answer;
    link->doubtful = false;
    return RT_OK;
}

static bool is_stored(const struct rt_mlflow *own, const char *key, int64_t step)
{
    const struct rt_json *metrics = own->stored ? rt_json_at(own->stored, "run/data/metrics") : NULL;
    const size_t count = metrics && rt_json_kind(metrics) == RT_JSON_ARRAY ? rt_json_count(metrics) : 0;

    for (size_t i = 0; i < count; i++) {
        const struct rt_json *metric = rt_json_item(metrics, i);
        const char *name;
        int64_t last = 0; /* the server may leave out a zero */

        if (rt_json_get_text(metric, "", "key", &name, NULL) || strcmp(name, key))
            continue;
        rt_json_get_integer(metric, "", "step", &last, NULL);
        return last >= step;
    }
    return false;
}

struct metric {
    const char *key;
    double value;
    int64_t at_ms, step;
};

static int fill_metric(struct rt_json *object, const struct metric *metric, struct rt_error *err)
{
    RT_TRY(rt_json_set_text(object, "key", metric->key, err));
    RT_TRY(rt_link_set_number(object, "value", metric->value, err));
    RT_TRY(rt_json_set_integer(object, "timestamp", metric->at_ms, err));
    return rt_json_set_integer(object, "step", metric->step, err);
}

static int add_metric(struct rt_link *link, struct rt_json *metrics, struct metric metric, struct rt_error *err)
{
    struct rt_json *object = NULL;
    int rc;

    if (isnan(metric.value) || is_stored(link->own, metric.key, metric.step))
        return RT_OK;
    RT_TRY(rt_json_object(&object, err));
    rc = fill_metric(object, &metric, err);
    return rc ? (rt_json_free(&object), rc) : rt_json_append(metrics, &object, err);
}

static int send_metrics(struct rt_link *link, struct rt_json **metrics, struct rt_error *err)
{
    struct rt_json *body = NULL;
    int rc;

    if (rt_json_count(*metrics) == 0) {
        rt_json_free(metrics);
        return RT_OK;
    }
    (void)((rc = rt_json_object(&body, err)) ||
           (rc = rt_json_set_text(body, "run_id", link->position.run, err)) ||
           (rc = rt_json_set(body, "metrics", metrics, err)));
    rt_json_free(metrics);
    if (rc) {
        rt_json_free(&body);
        return rc;
    }
    return rt_mlflow_post(link, "runs/log-batch", &body, NULL, err);
}

static int add_point(struct rt_link *link, struct rt_json *metrics, const struct rt_service_point *from,
                     struct rt_error *err)
{
    const struct rt_log_point *point = &from->point;

    for (int i = 0; i < RT_METRIC_COUNT; i++)
        RT_TRY(add_metric(link, metrics,
                          (struct metric){rt_metrics[i].tag, rt_metric_value(&rt_metrics[i], &point->scores),
                                          from->at_ms, point->step},
                          err));
    if (point->batches > 0)
        RT_TRY(add_metric(link, metrics,
                          (struct metric){"train/epoch", rt_log_point_epochs(point), from->at_ms, point->step},
                          err));
    return add_metric(link, metrics,
                      (struct metric){"train/learning_rate", point->learning_rate, from->at_ms, point->step},
                      err);
}

static int mlflow_points(struct rt_link *link, const struct rt_service_point *points, int count,
                         struct rt_error *err)
{
    struct rt_json *metrics = NULL;
    int rc;

    RT_TRY(settle_doubt(link, err));
    rc = rt_json_array(&metrics, err);
    for (int i = 0; !rc && i < count; i++)
        rc = add_point(link, metrics, &points[i], err);
    if (rc) {
        rt_json_free(&metrics);
        return rc;
    }
    return send_metrics(link, &metrics, err);
}

/* Sends numbers of a threshold or finish record: `keys` pairs a field with a metric's name. */
static int send_numbers(struct rt_link *link, const struct rt_spool_record *record, const char *(*keys)[2],
                        struct rt_error *err)
{
    const int64_t step = rt_spool_whole(record, "step");
    struct rt_json *metrics = NULL;
    int rc;

    RT_TRY(settle_doubt(link, err));
    rc = rt_json_array(&metrics, err);
    for (int i = 0; !rc && keys[i][0]; i++) {
        double value;

        if (rt_json_has(record->json, keys[i][0]) &&
            !rt_json_get_number(record->json, "", keys[i][0], &value, NULL))
            rc = add_metric(link, metrics, (struct metric){keys[i][1], value, record->at_ms, step}, err);
    }
    if (rc) {
        rt_json_free(&metrics);
        return rc;
    }
    return send_metrics(link, &metrics, err);
}

static int mlflow_threshold(struct rt_link *link, const struct rt_spool_record *record, struct rt_error *err)
{
    const char *keys[][2] = {{"epoch", "threshold/epoch"},
                             {"minutes", "threshold/minutes"},
                             {"test_acc", "threshold/test_accuracy"},
                             {NULL, NULL}};

    return send_numbers(link, record, keys, err);
}

/* ---- the end */

static int update_status(struct rt_link *link, const char *status, int64_t end_ms, struct rt_error *err)
{
    struct rt_json *body = NULL;
    int rc;

    (void)((rc = rt_json_object(&body, err)) ||
           (rc = rt_json_set_text(body, "run_id", link->position.run, err)) ||
           (rc = rt_json_set_text(body, "status", status, err)) ||
           (rc = end_ms ? rt_json_set_integer(body, "end_time", end_ms, err) : RT_OK));
    if (rc) {
        rt_json_free(&body);
        return rc;
    }
    return rt_mlflow_post(link, "runs/update", &body, NULL, err);
}

static int set_tag(struct rt_link *link, const char *key, const char *value, struct rt_error *err)
{
    struct rt_json *body = NULL;
    int rc;

    (void)((rc = rt_json_object(&body, err)) ||
           (rc = rt_json_set_text(body, "run_id", link->position.run, err)) ||
           (rc = rt_json_set_text(body, "key", key, err)) ||
           (rc = rt_json_set_text(body, "value", value, err)));
    if (rc) {
        rt_json_free(&body);
        return rc;
    }
    return rt_mlflow_post(link, "runs/set-tag", &body, NULL, err);
}

static int mlflow_finish(struct rt_link *link, const struct rt_spool_record *record, struct rt_error *err)
{
    const char *keys[RT_METRIC_COUNT + 2][2] = {{NULL, NULL}};
    const char *status, *model = "";

    for (int i = 0; i < RT_METRIC_COUNT; i++)
        keys[i][0] = rt_metrics[i].name, keys[i][1] = rt_metrics[i].whole_tag;
    keys[RT_METRIC_COUNT][0] = "wall_s", keys[RT_METRIC_COUNT][1] = "whole_run/runtime_s";
    RT_TRY(rt_json_get_text(record->json, RT_SPOOL_NAME, "status", &status, err));
    if (rt_json_has(record->json, "model"))
        RT_TRY(rt_json_get_text(record->json, RT_SPOOL_NAME, "model", &model, err));
    if (!strcmp(status, "finished"))
        RT_TRY(send_numbers(link, record, keys, err));
    if (rt_json_has(record->json, "reason"))
        RT_TRY(set_tag(link, "rethink.ended", rt_link_text(record->json, "reason"), err));
    RT_TRY(rt_mlflow_send_files(link, model, err));
    return update_status(link,
                         !strcmp(status, "finished")      ? "FINISHED"
                         : !strcmp(status, "interrupted") ? "KILLED"
                                                          : "FAILED",
                         record->at_ms, err);
}

/* What may have changed since the run was created: tags, as parameters cannot change there. */
static int set_current(struct rt_link *link, const struct rt_spool_record *record, struct rt_error *err)
{
    const struct rt_json *current = rt_json_at(record->json, "current");

    for (void *it = current ? rt_json_first(current) : NULL; it; it = rt_json_next(current, it)) {
        char key[128];
        const char *text;

        snprintf(key, sizeof key, "rethink.%s", rt_json_key(it));
        if (!rt_json_get_text(rt_json_value(it), "", "", &text, NULL))
            RT_TRY(set_tag(link, key, text, err));
    }
    return RT_OK;
}

static int mlflow_start(struct rt_link *link, const struct rt_spool_record *record, struct rt_error *err)
{
    if (!*link->position.run || !link->position.sent)
        return rt_mlflow_create_run(link, record, err);
    RT_TRY(set_current(link, record, err));
    return update_status(link, "RUNNING", 0, err);
}

static const struct rt_service mlflow_service = {
    .name = "mlflow",
    .title = "MLflow",
    .points_max = RT_MLFLOW_POINTS_MAX,
    .open = rt_mlflow_open,
    .start = mlflow_start,
    .points = mlflow_points,
    .threshold = mlflow_threshold,
    .finish = mlflow_finish,
    .close = rt_mlflow_close,
};

RT_REMOTE_RECORDER(mlflow);
