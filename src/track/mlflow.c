/* MLflow by its REST API (docs/tracking.md): one run for a run, points in batches. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "track/mlflow.h"
#include "track/remote.h"
#include "track/settings.h"

/* ---- settings */

static int read_user(struct rt_mlflow *own, struct rt_error *err)
{
    const char *user = rt_setting_env("MLFLOW_TRACKING_USERNAME");
    const char *password = rt_setting_env("MLFLOW_TRACKING_PASSWORD");
    const char *token = rt_setting_env("MLFLOW_TRACKING_TOKEN");

    if (user && password) {
        RT_TRY(rt_setting_copy(own->user, sizeof own->user, "MLFLOW_TRACKING_USERNAME", user, err));
        RT_TRY(rt_setting_copy(own->password, sizeof own->password, "MLFLOW_TRACKING_PASSWORD", password, err));
    } else if (token && !*own->user) {
        RT_TRY(rt_setting_copy(own->token, sizeof own->token, "MLFLOW_TRACKING_TOKEN", token, err));
        snprintf(own->authorization, sizeof own->authorization, "Authorization: Bearer %s", own->token);
    }
    return RT_OK;
}

/* The address in the environment, else the one that the run was sent to before. */
static int read_address(struct rt_mlflow *own, const struct rt_link *link, struct rt_error *err)
{
    const char *known = link->position.url, *uri = rt_setting_env("MLFLOW_TRACKING_URI");

    if (!uri && !*known)
        return rt_fail(err, RT_ECONFIG,
                       "MLFLOW_TRACKING_URI is not set; it names the server, http://HOST:5000");
    RT_TRY(rt_setting_copy(own->base, sizeof own->base, "MLFLOW_TRACKING_URI", uri ? uri : known, err));
    if (strncmp(own->base, "http://", 7) && strncmp(own->base, "https://", 8))
        return rt_fail(
            err, RT_ECONFIG,
            "MLFLOW_TRACKING_URI names no server; expected http:// or https://, as other stores (file:, "
            "sqlite:, databricks) need MLflow's own client");
    RT_TRY(rt_setting_split_url("MLFLOW_TRACKING_URI", own->base, own->user, own->password, sizeof own->user,
                                err));
    if (*known && strcmp(known, own->base))
        return rt_fail(
            err, RT_ECONFIG,
            "the run is at %s, not at %s; set MLFLOW_TRACKING_URI to the first, or remove %s/mlflow.json to "
            "send the whole run to the second",
            known, own->base, link->run_dir);
    return RT_OK;
}

static double read_timeout(void)
{
    const char *text = rt_setting_env("MLFLOW_HTTP_REQUEST_TIMEOUT");
    double seconds = 0;
    char rest;

    return text && sscanf(text, "%lf%c", &seconds, &rest) == 1 && seconds > 0 && seconds < 1e6 ? seconds : 30;
}

static int mlflow_open(struct rt_link *link, const char *project, struct rt_error *err)
{
    const char *name = rt_setting_env("MLFLOW_EXPERIMENT_NAME");
    struct rt_mlflow *own;

    RT_TRY(rt_alloc(&own, 1, sizeof *own, "MLflow's settings", err));
    link->own = own;
    RT_TRY(read_address(own, link, err));
    RT_TRY(read_user(own, err));
    link->secrets[0] = own->password;
    link->secrets[1] = own->token;
    name = name ? name : *project ? project : "rethink";
    RT_TRY(rt_setting_copy(own->experiment, sizeof own->experiment, "the experiment's name", name, err));
    own->ca_file = rt_setting_env("MLFLOW_TRACKING_SERVER_CERT_PATH");
    own->key_file = rt_setting_env("MLFLOW_TRACKING_CLIENT_CERT_PATH");
    own->unverified = rt_setting_env_true("MLFLOW_TRACKING_INSECURE_TLS");
    own->timeout_s = read_timeout();
    return RT_OK;
}

static void mlflow_close(struct rt_link *link)
{
    struct rt_mlflow *own = link->own;

    rt_json_free(&own->stored);
    explicit_bzero(own, sizeof *own);
    rt_free(&link->own);
}

/* ---- calls */

void rt_mlflow_fill_request(const struct rt_link *link, struct rt_http_request *request)
{
    const struct rt_mlflow *own = link->own;

    request->user = *own->user ? own->user : NULL;
    request->password = own->password;
    request->secret = *own->user || *own->token;
    request->ca_file = own->ca_file;
    request->key_file = own->key_file;
    request->unverified = own->unverified;
    request->timeout_s = own->timeout_s;
    if (*own->token)
        request->headers[0] = own->authorization;
}

int rt_mlflow_get(struct rt_link *link, const char *path, const char *key, const char *value,
                  struct rt_json **answer, struct rt_error *err)
{
    const struct rt_mlflow *own = link->own;
    struct rt_http_request request = {0};
    struct rt_text url = {0};
    int rc;

    rt_text_printf(&url, "%s/api/2.0/mlflow/%s?%s=", own->base, path, key);
    rt_http_escape(&url, value);
    rt_mlflow_fill_request(link, &request);
    request.url = rt_text_string(&url);
    rc = rt_text_check(&url, err);
    rc = rc ? rc : rt_link_call(link, &request, answer, err);
    rt_text_free(&url);
    return rc;
}

int rt_mlflow_post(struct rt_link *link, const char *path, struct rt_json **body, struct rt_json **answer,
                   struct rt_error *err)
{
    const struct rt_mlflow *own = link->own;
    struct rt_http_request request = {.method = "POST"};
    char url[RT_URL_MAX + 128], *text = NULL;
    int rc = rt_json_format(*body, false, &text, err);

    rt_json_free(body);
    RT_TRY(rc);
    snprintf(url, sizeof url, "%s/api/2.0/mlflow/%s", own->base, path);
    rt_mlflow_fill_request(link, &request);
    request.url = url;
    request.body = text;
    request.body_size = strlen(text);
    request.headers[*own->token ? 1 : 0] = "Content-Type: application/json";
    rc = rt_link_call(link, &request, answer, err);
    rt_free(&text);
    return rc;
}

/* ---- points */

/* Metrics can only be added, so that one sent twice would be there twice: after a doubtful call the server is
 * asked for the last step of each. */
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

static int mlflow_points(struct rt_link *link, const struct rt_service_point *points, int count,
                         struct rt_error *err)
{
    struct rt_json *metrics = NULL;
    int rc;

    RT_TRY(settle_doubt(link, err));
    rc = rt_json_array(&metrics, err);
    for (int i = 0; !rc && i < count; i++) {
        const struct rt_log_point *point = &points[i].point;

#define ADD(field, group, name)                                                                                \
    rc = rc ? rc                                                                                               \
            : add_metric(link, metrics,                                                                        \
                         (struct metric){group "/" name, point->field, points[i].at_ms, point->step}, err);
        RT_POINT_METRICS(ADD)
#undef ADD
    }
    if (rc) {
        rt_json_free(&metrics);
        return rc;
    }
    return send_metrics(link, &metrics, err);
}

/* Sends numbers of a threshold or finish record: `keys` pairs a field with a metric's name. */
static int send_numbers(struct rt_link *link, const struct rt_spool_record *record,
                        const char *const (*keys)[2], struct rt_error *err)
{
    struct rt_json *metrics = NULL;
    int64_t step;
    int rc;

    RT_TRY(settle_doubt(link, err));
    RT_TRY(rt_json_get_integer(record->json, RT_SPOOL_NAME, "step", &step, err));
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
    static const char *const keys[][2] = {{"epoch", "threshold/epoch"},
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

static int mlflow_finish(struct rt_link *link, const struct rt_spool_record *record, struct rt_error *err)
{
    static const char *const keys[][2] = {
        {"train_loss", "whole_run/train_loss"}, {"train_acc", "whole_run/train_accuracy"},
        {"test_loss", "whole_run/test_loss"},   {"test_acc", "whole_run/test_accuracy"},
        {"wall_s", "whole_run/runtime_s"},      {NULL, NULL}};
    const char *status, *model = "";

    RT_TRY(rt_json_get_text(record->json, RT_SPOOL_NAME, "status", &status, err));
    if (rt_json_has(record->json, "model"))
        RT_TRY(rt_json_get_text(record->json, RT_SPOOL_NAME, "model", &model, err));
    if (!strcmp(status, "finished"))
        RT_TRY(send_numbers(link, record, keys, err));
    RT_TRY(rt_mlflow_send_files(link, model, err));
    return update_status(link,
                         !strcmp(status, "finished")      ? "FINISHED"
                         : !strcmp(status, "interrupted") ? "KILLED"
                                                          : "FAILED",
                         record->at_ms, err);
}

static int mlflow_start(struct rt_link *link, const struct rt_spool_record *record, struct rt_error *err)
{
    if (*link->position.run && link->position.sent > 0)
        return update_status(link, "RUNNING", 0, err);
    return rt_mlflow_create_run(link, record, err);
}

const struct rt_service rt_service_mlflow = {
    .name = "mlflow",
    .title = "MLflow",
    .points_max = RT_MLFLOW_POINTS_MAX,
    .open = mlflow_open,
    .start = mlflow_start,
    .points = mlflow_points,
    .threshold = mlflow_threshold,
    .finish = mlflow_finish,
    .close = mlflow_close,
};

RT_REMOTE_RECORDER(mlflow, "an MLflow server: MLFLOW_TRACKING_URI");
