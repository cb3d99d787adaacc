/* Comet by its REST API, version 2 (docs/tracking.md): one experiment for a run, one call for a value. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "track/remote.h"
#include "track/settings.h"

/* 12,000 metrics and 10,000 parameters a minute are allowed: one call in 6 ms keeps both. */
#define PACE_S 0.006
#define BEAT_TIMEOUT_S 5.0 /* points wait behind it */

/* The series of which the last stored step is known, for points, the threshold and the end. */
#define SERIES(X)                                                                                              \
    X(train_loss, "loss", "train")                                                                             \
    X(train_acc, "acc", "train")                                                                               \
    X(test_loss, "loss", "test")                                                                               \
    X(test_acc, "acc", "test")                                                                                 \
    X(error, "error", "test")                                                                                  \
    X(time_to_overfit, "time_to_overfit", "")                                                                  \
    X(epochs_to_overfit, "epochs_to_overfit", "")                                                              \
    X(label_corruption, "label_corruption", "")                                                                \
    X(runtime, "runtime", "")

enum series {
#define SERIES_ENUM(symbol, name, context) SERIES_##symbol,
    SERIES(SERIES_ENUM)
#undef SERIES_ENUM
        SERIES_COUNT
};

static const struct {
    const char *name, *context;
} series_of[] = {
#define SERIES_ROW(symbol, name, context) {name, context},
    SERIES(SERIES_ROW)
#undef SERIES_ROW
};

enum { UNKNOWN = -2, NONE = -1 };

struct comet {
    char base[RT_URL_MAX]; /* https://www.comet.com */
    char key[RT_SECRET_MAX], authorization[RT_SECRET_MAX + 32];
    char workspace[RT_TEXT_MAX], project[RT_TEXT_MAX]; /* workspace "": the account's own */
    int64_t last[SERIES_COUNT];                        /* step of the last value stored, UNKNOWN or NONE */
    double called_at_s;
};

/* ---- settings */

/* COMET_NAME in the environment, name in ./.comet.config, in ~/.comet.config: the first found. */
static int read_setting(const char *name, bool secret, char *out, size_t size, bool *found,
                        struct rt_error *err)
{
    char variable[64] = "COMET_", path[RT_PATH_MAX], value[RT_SECRET_MAX];
    const char *home = rt_setting_env("HOME"), *given;

    for (size_t i = 0, n = strlen(variable); name[i] && n < sizeof variable - 1; i++, n++)
        variable[n] = (char)(name[i] >= 'a' && name[i] <= 'z' ? name[i] - 'a' + 'A' : name[i]);
    given = rt_setting_env(variable);
    *found = true;
    if (given)
        return rt_setting_copy(out, size, variable, given, err);
    *found = rt_setting_ini(".comet.config", "comet", name, secret, value, sizeof value);
    if (!*found && home) {
        RT_TRY(rt_path_join(path, home, ".comet.config", err));
        *found = rt_setting_ini(path, "comet", name, secret, value, sizeof value);
    }
    return *found ? rt_setting_copy(out, size, variable, value, err) : RT_OK;
}

static int read_key(struct comet *own, struct rt_error *err)
{
    bool found;

    RT_TRY(read_setting("api_key", true, own->key, sizeof own->key, &found, err));
    if (!found)
        return rt_fail(err, RT_ECONFIG,
                       "no API key: set COMET_API_KEY, or write [comet] and api_key = ... to ~/.comet.config");
    snprintf(own->authorization, sizeof own->authorization, "Authorization: %s", own->key);
    return RT_OK;
}

/* The base of the service: an on-premises server is conventionally named with /clientlib/ behind it. */
static int read_base(struct comet *own, const struct rt_link *link, struct rt_error *err)
{
    static const char suffix[] = "/clientlib";
    char user[RT_SECRET_MAX], password[RT_SECRET_MAX];
    size_t length;
    bool found;

    RT_TRY(read_setting("url_override", false, own->base, sizeof own->base, &found, err));
    if (!found)
        snprintf(own->base, sizeof own->base, "%s",
                 *link->position.url ? link->position.url : "https://www.comet.com");
    RT_TRY(rt_setting_split_url("COMET_URL_OVERRIDE", own->base, user, password, sizeof user, err));
    length = strlen(own->base);
    if (length > strlen(suffix) && !strcmp(own->base + length - strlen(suffix), suffix))
        own->base[length - strlen(suffix)] = '\0';
    if (*link->position.url && strcmp(link->position.url, own->base))
        return rt_fail(
            err, RT_ECONFIG,
            "the run is at %s, not at %s; set COMET_URL_OVERRIDE to the first, or remove %s/comet.json to send "
            "the whole run to the second",
            link->position.url, own->base, link->run_dir);
    return RT_OK;
}

static int comet_open(struct rt_link *link, const char *project, struct rt_error *err)
{
    struct comet *own;
    bool found = false;

    RT_TRY(rt_alloc(&own, 1, sizeof *own, "Comet's settings", err));
    link->own = own;
    for (int i = 0; i < SERIES_COUNT; i++)
        own->last[i] = UNKNOWN;
    RT_TRY(read_key(own, err));
    link->secrets[0] = own->key;
    RT_TRY(read_base(own, link, err));
    RT_TRY(read_setting("workspace", false, own->workspace, sizeof own->workspace, &found, err));
    if (*project)
        return rt_setting_copy(own->project, sizeof own->project, "comet_project", project, err);
    RT_TRY(read_setting("project_name", false, own->project, sizeof own->project, &found, err));
    return found ? RT_OK : rt_setting_copy(own->project, sizeof own->project, "project", "general", err);
}

static void comet_close(struct rt_link *link)
{
    explicit_bzero(link->own, sizeof(struct comet));
    rt_free(&link->own);
}

/* ---- calls */

static void keep_pace(struct comet *own)
{
    const double wait_s = own->called_at_s + PACE_S - rt_clock_wall_s();

    if (wait_s > 0)
        rt_clock_sleep_s(wait_s);
    own->called_at_s = rt_clock_wall_s();
}

/* `query` is the encoded rest of the URL behind the path, or ""; timeout_s 0: the usual one. */
static int get(struct rt_link *link, const char *path, const char *query, double timeout_s,
               struct rt_json **answer, struct rt_error *err)
{
    struct comet *own = link->own;
    struct rt_http_request request = {.secret = true, .headers = {own->authorization}, .timeout_s = timeout_s};
    char url[2 * RT_URL_MAX];

    keep_pace(own);
    snprintf(url, sizeof url, "%s/api/rest/v2%s%s%s", own->base, path, *query ? "?" : "", query);
    request.url = url;
    return rt_link_call(link, &request, answer, err);
}

static int get_of_run(struct rt_link *link, const char *path, const char *more, double timeout_s,
                      struct rt_json **answer, struct rt_error *err)
{
    struct rt_text query = {0};
    int rc;

    rt_text_append(&query, "experimentKey=");
    rt_http_escape(&query, link->position.run);
    rt_text_append(&query, more);
    rc = rt_text_check(&query, err);
    rc = rc ? rc : get(link, path, rt_text_string(&query), timeout_s, answer, err);
    rt_text_free(&query);
    return rc;
}

static int post(struct rt_link *link, const char *path, const struct rt_json *body, struct rt_json **answer,
                struct rt_error *err)
{
    struct comet *own = link->own;
    struct rt_http_request request = {
        .method = "POST", .secret = true, .headers = {own->authorization, "Content-Type: application/json"}};
    char url[RT_URL_MAX + 128], *text = NULL;
    int rc = rt_json_format(body, false, &text, err);

    if (!rc) {
        keep_pace(own);
        snprintf(url, sizeof url, "%s/api/rest/v2%s", own->base, path);
        request.url = url;
        request.body = text;
        request.body_size = strlen(text);
        rc = rt_link_call(link, &request, answer, err);
    }
    rt_free(&text);
    return rc;
}

/* A body that begins with the run's key. */
static int begin_body(const struct rt_link *link, struct rt_json **body, struct rt_error *err)
{
    RT_TRY(rt_json_object(body, err));
    return rt_json_set_text(*body, "experimentKey", link->position.run, err);
}

static int post_and_free(struct rt_link *link, const char *path, int rc, struct rt_json **body,
                         struct rt_error *err)
{
    rc = rc ? rc : post(link, path, *body, NULL, err);
    rt_json_free(body);
    return rc;
}

/* ---- metrics */

static bool is_in_context(const struct rt_json *entry, const char *context)
{
    const char *text = "";

    if (rt_json_get_text(entry, "", "runContext", &text, NULL))
        rt_json_get_text(entry, "", "context", &text, NULL);
    return !strcmp(text, context);
}

/* The service has no call that says "once": after a doubtful one it is asked for the last step that it has. */
static int ask_last(struct rt_link *link, enum series series, struct rt_error *err)
{
    struct comet *own = link->own;
    struct rt_json *answer = NULL;
    const struct rt_json *entries;
    char query[128];
    size_t count;

    snprintf(query, sizeof query, "&metricName=%s", series_of[series].name);
    RT_TRY(get_of_run(link, "/experiment/metrics/get-metric", query, 0, &answer, err));
    entries = answer ? rt_json_at(answer, "metrics") : NULL;
    count = entries && rt_json_kind(entries) == RT_JSON_ARRAY ? rt_json_count(entries) : 0;
    own->last[series] = NONE;
    for (size_t i = 0; i < count; i++) {
        const struct rt_json *entry = rt_json_item(entries, i);
        int64_t step;

        if (!rt_json_get_integer(entry, "", "step", &step, NULL) && step > own->last[series] &&
            is_in_context(entry, series_of[series].context))
            own->last[series] = step;
    }
    rt_json_free(&answer);
    return RT_OK;
}

static void settle_doubt(struct rt_link *link)
{
    struct comet *own = link->own;

    for (int i = 0; link->doubtful && i < SERIES_COUNT; i++)
        own->last[i] = UNKNOWN;
    link->doubtful = false;
}

struct value {
    enum series series;
    double value;
    int64_t step, epoch, at_ms; /* epoch < 0: none */
};

static int fill_metric(struct rt_json *body, const struct value *value, struct rt_error *err)
{
    const char *context = series_of[value->series].context;

    RT_TRY(rt_json_set_text(body, "metricName", series_of[value->series].name, err));
    RT_TRY(rt_link_set_number(body, "metricValue", value->value, err));
    RT_TRY(rt_json_set_integer(body, "step", value->step, err));
    if (value->epoch >= 0)
        RT_TRY(rt_json_set_integer(body, "epoch", value->epoch, err));
    if (*context)
        RT_TRY(rt_json_set_text(body, "context", context, err));
    return rt_json_set_integer(body, "timestamp", value->at_ms, err);
}

static int send_value(struct rt_link *link, struct value value, struct rt_error *err)
{
    struct comet *own = link->own;
    struct rt_json *body = NULL;
    int rc;

    if (isnan(value.value))
        return RT_OK;
    settle_doubt(link);
    if (own->last[value.series] == UNKNOWN)
        RT_TRY(ask_last(link, value.series, err));
    if (value.step <= own->last[value.series])
        return RT_OK;
    rc = begin_body(link, &body, err);
    rc = rc ? rc : fill_metric(body, &value, err);
    RT_TRY(post_and_free(link, "/write/experiment/metric", rc, &body, err));
    own->last[value.series] = value.step;
    return RT_OK;
}

static int comet_points(struct rt_link *link, const struct rt_service_point *points, int count,
                        struct rt_error *err)
{
    for (int i = 0; i < count; i++) {
        const struct rt_log_point *point = &points[i].point;
        const double values[] = {point->train_loss, point->train_acc, point->test_loss, point->test_acc};

        for (int series = SERIES_train_loss; series <= SERIES_test_acc; series++)
            RT_TRY(send_value(
                link,
                (struct value){(enum series)series, values[series], point->step, point->epoch, points[i].at_ms},
                err));
    }
    return RT_OK;
}

static double number_at(const struct rt_json *json, const char *key)
{
    double value;

    return rt_json_get_number(json, "", key, &value, NULL) ? NAN : value;
}

static int comet_threshold(struct rt_link *link, const struct rt_spool_record *record, struct rt_error *err)
{
    const struct rt_json *json = record->json;
    const double test_acc = number_at(json, "test_acc"), epoch = number_at(json, "epoch");
    bool figure1 = true;
    int64_t step;

    RT_TRY(rt_json_get_integer(json, RT_SPOOL_NAME, "step", &step, err));
    if (rt_json_has(json, "figure1"))
        RT_TRY(rt_json_get_bool(json, RT_SPOOL_NAME, "figure1", &figure1, err));

    const struct value values[] = {
        {SERIES_test_acc, figure1 ? test_acc : NAN, 0, 0, 0}, /* figure 2 has it at its log points */
        {SERIES_error, 1 - test_acc, 0, 0, 0},
        {SERIES_time_to_overfit, number_at(json, "minutes"), 0, 0, 0},
        {SERIES_epochs_to_overfit, epoch, 0, 0, 0},
        {SERIES_label_corruption, number_at(json, "label_corruption"), 0, 0, 0},
    };
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        struct value value = values[i];

        value.step = step;
        value.epoch = isnan(epoch) ? -1 : (int64_t)epoch;
        value.at_ms = record->at_ms;
        RT_TRY(send_value(link, value, err));
    }
    return RT_OK;
}

/* ---- start and end */

static int find_workspace(struct rt_link *link, struct rt_error *err)
{
    struct comet *own = link->own;
    struct rt_json *answer = NULL;
    const char *name;
    int rc;

    if (*own->workspace)
        return RT_OK;
    RT_TRY(get(link, "/account-details", "", 0, &answer, err));
    if (!answer || rt_json_get_text(answer, "", "defaultWorkspaceName", &name, NULL) ||
        !rt_copy_text(own->workspace, sizeof own->workspace, name))
        rc = rt_link_fail(link, err, "the account has no default workspace; set COMET_WORKSPACE");
    else
        rc = RT_OK;
    rt_json_free(&answer);
    return rc;
}

static int keep_key(struct rt_link *link, const struct rt_json *answer, struct rt_error *err)
{
    struct rt_position *position = &link->position;
    const struct comet *own = link->own;
    const char *key, *shown;

    if (!answer || rt_json_get_text(answer, "", "experimentKey", &key, NULL) || !*key ||
        !rt_copy_text(position->run, sizeof position->run, key))
        return rt_link_fail(link, err, "the server's answer has no experimentKey; is it Comet's?");
    snprintf(position->url, sizeof position->url, "%s", own->base);
    if (!rt_json_get_text(answer, "", "link", &shown, NULL))
        rt_log_info("Comet: %.500s", shown);
    return rt_link_save(link, err);
}

static int create_experiment(struct rt_link *link, const char *name, struct rt_error *err)
{
    struct comet *own = link->own;
    struct rt_json *body = NULL, *answer = NULL;
    int rc;

    RT_TRY(find_workspace(link, err));
    (void)((rc = rt_json_object(&body, err)) ||
           (rc = rt_json_set_text(body, "workspaceName", own->workspace, err)) ||
           (rc = rt_json_set_text(body, "projectName", own->project, err)) ||
           (rc = rt_json_set_text(body, "experimentName", name, err)) ||
           (rc = post(link, "/write/experiment/create", body, &answer, err)) ||
           (rc = keep_key(link, answer, err)));
    rt_json_free(&body);
    rt_json_free(&answer);
    for (int i = 0; !rc && i < SERIES_COUNT; i++)
        own->last[i] = NONE;
    if (!rc)
        link->doubtful = false;
    return rc;
}

/* The experiment that the run was sent to before must still be there. */
static int check_experiment(struct rt_link *link, struct rt_error *err)
{
    struct rt_json *answer = NULL;
    bool archived = false;
    int rc = get_of_run(link, "/experiment/metadata", "", 0, &answer, err);

    if (rc && link->failure == RT_LINK_RETRY)
        return rc;
    if (!rc && answer)
        rt_json_get_bool(answer, "", "archived", &archived, NULL);
    rt_json_free(&answer);
    if (rc || archived)
        return rt_link_fail(
            link, err,
            "experiment %s is %s; restore it, or remove %s/comet.json to send the whole run to a new one",
            link->position.run, archived ? "archived" : "gone", link->run_dir);
    return RT_OK;
}

static int post_other(struct rt_link *link, const char *key, const char *value, int64_t at_ms,
                      struct rt_error *err)
{
    struct rt_json *body = NULL;
    int rc;

    (void)((rc = begin_body(link, &body, err)) || (rc = rt_json_set_text(body, "key", key, err)) ||
           (rc = rt_json_set_text(body, "value", value, err)) ||
           (rc = rt_json_set_integer(body, "timestamp", at_ms, err)));
    return post_and_free(link, "/write/experiment/log-other", rc, &body, err);
}

static int post_parameter(struct rt_link *link, const char *name, const char *value, int64_t at_ms,
                          struct rt_error *err)
{
    struct rt_json *body = NULL;
    int rc;

    (void)((rc = begin_body(link, &body, err)) || (rc = rt_json_set_text(body, "parameterName", name, err)) ||
           (rc = rt_json_set_text(body, "parameterValue", value, err)) ||
           (rc = rt_json_set_integer(body, "timestamp", at_ms, err)));
    return post_and_free(link, "/write/experiment/parameter", rc, &body, err);
}

static int post_time(struct rt_link *link, const char *key, int64_t at_ms, struct rt_error *err)
{
    struct rt_json *body = NULL;
    int rc;

    (void)((rc = begin_body(link, &body, err)) || (rc = rt_json_set_integer(body, key, at_ms, err)));
    return post_and_free(link, "/write/experiment/set-start-end-time", rc, &body, err);
}

/* Calls send for each text of an object in the record, from the position's part on, and counts them there, so
 * that none is sent again after a failure in between. *index counts across several objects. */
static int post_members(struct rt_link *link, const struct rt_spool_record *record, const char *object,
                        int *index,
                        int (*send)(struct rt_link *, const char *, const char *, int64_t, struct rt_error *),
                        struct rt_error *err)
{
    const struct rt_json *members = rt_json_at(record->json, object);

    for (void *it = members ? rt_json_first(members) : NULL; it; it = rt_json_next(members, it)) {
        const char *text;

        if ((*index)++ < link->position.part)
            continue;
        if (!rt_json_get_text(rt_json_value(it), "", "", &text, NULL))
            RT_TRY(send(link, rt_json_key(it), text, record->at_ms, err));
        link->position.part = *index;
    }
    return RT_OK;
}

static const char *text_at(const struct rt_json *json, const char *key)
{
    const char *text;

    return rt_json_get_text(json, "", key, &text, NULL) ? "" : text;
}

static int describe(struct rt_link *link, const struct rt_spool_record *record, struct rt_error *err)
{
    int index = 1;

    if (link->position.part == 0) {
        RT_TRY(post_other(link, "Name", text_at(record->json, "name"), record->at_ms, err));
        RT_TRY(post_time(link, "startTimeMillis", record->at_ms, err));
        link->position.part = 1;
    }
    RT_TRY(post_members(link, record, "params", &index, post_parameter, err));
    return post_members(link, record, "facts", &index, post_other, err);
}

/* The config's experiment_key is where the run went before, which means nothing to one that is started anew. */
static const char *resumed_key(const struct rt_spool_record *record)
{
    bool resumed = false;

    rt_json_get_bool(record->json, "", "resumed", &resumed, NULL);
    return resumed ? text_at(record->json, "key") : "";
}

static int comet_start(struct rt_link *link, const struct rt_spool_record *record, struct rt_error *err)
{
    const bool begun = link->position.sent > 0;
    struct rt_position *position = &link->position;
    const struct comet *own = link->own;
    const char *key = resumed_key(record);

    if (!*position->run && *key) {
        rt_copy_text(position->run, sizeof position->run, key);
        snprintf(position->url, sizeof position->url, "%s", own->base);
        link->doubtful = true; /* it may have points from before */
    }
    if (!*position->run)
        RT_TRY(create_experiment(link, text_at(record->json, "name"), err));
    else if (begun || *key)
        RT_TRY(check_experiment(link, err));
    return begun ? RT_OK : describe(link, record, err);
}

static int comet_finish(struct rt_link *link, const struct rt_spool_record *record, struct rt_error *err)
{
    int64_t step;

    RT_TRY(rt_json_get_integer(record->json, RT_SPOOL_NAME, "step", &step, err));
    RT_TRY(send_value(
        link, (struct value){SERIES_runtime, number_at(record->json, "wall_s"), step, -1, record->at_ms}, err));
    RT_TRY(post_other(link, "status", text_at(record->json, "status"), record->at_ms, err));
    return post_time(link, "endTimeMillis", record->at_ms, err);
}

static int comet_beat(struct rt_link *link, double *next_s, struct rt_error *err)
{
    struct rt_json *answer = NULL;
    double ms;

    RT_TRY(get_of_run(link, "/write/experiment/set-status", "", BEAT_TIMEOUT_S, &answer, err));
    if (answer && !rt_json_get_number(answer, "", "isAliveBeatDurationMillis", &ms, NULL) && ms >= 100 &&
        ms <= 1e9)
        *next_s = ms / 1000;
    rt_json_free(&answer);
    return RT_OK;
}

const struct rt_service rt_service_comet = {
    .name = "comet",
    .title = "Comet",
    .points_max = 1,
    .keyed = true,
    .open = comet_open,
    .start = comet_start,
    .points = comet_points,
    .threshold = comet_threshold,
    .finish = comet_finish,
    .beat = comet_beat,
    .close = comet_close,
};

RT_REMOTE_RECORDER(comet, "comet.com: COMET_API_KEY or ~/.comet.config");
