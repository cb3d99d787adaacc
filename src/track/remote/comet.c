/* Comet by its REST API, version 2 (docs/tracking.md): one experiment for a run, one call for a value. */
#include "track/remote/comet.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "track/remote/remote.h"

#define BEAT_TIMEOUT_S 5.0 /* points wait behind it */

static const struct {
    const char *name, *context;
} series_of[] = {
#define METRIC_ROW(name, measured, low, high, split, word, comet, ...) {comet, split},
    RT_METRICS(METRIC_ROW)
#undef METRIC_ROW
#define SERIES_ROW(symbol, name, context) {name, context},
        RT_COMET_SERIES(SERIES_ROW)
#undef SERIES_ROW
};

/* ---- metrics */

static bool is_in_context(const struct rt_json *entry, const char *context)
{
    const char *text = "";

    if (rt_json_get_text(entry, "", "runContext", &text, NULL))
        rt_json_get_text(entry, "", "context", &text, NULL);
    return !strcmp(text, context);
}

/* The service has no idempotent call: after one with an unknown outcome it is asked for its last step. */
static int ask_last(struct rt_link *link, enum rt_comet_series series, struct rt_error *err)
{
    struct rt_comet *own = link->own;
    struct rt_json *answer = NULL;
    const struct rt_json *entries;
    char query[128];
    size_t count;

    snprintf(query, sizeof query, "&metricName=%s", series_of[series].name);
    RT_TRY(rt_comet_get_of_run(link, "/experiment/metrics/get-metric", query, 0, &answer, err));
    entries = answer ? rt_json_at(answer, "metrics") : NULL;
    count = entries && rt_json_kind(entries) == RT_JSON_ARRAY ? rt_json_count(entries) : 0;
    own->last[series] = RT_COMET_NONE;
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
    struct rt_comet *own = link->own;

    for (int i = 0; link->doubtful && i < RT_COMET_SERIES_COUNT; i++)
        own->last[i] = RT_COMET_UNKNOWN;
    link->doubtful = false;
}

struct value {
    enum rt_comet_series series;
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
    struct rt_comet *own = link->own;
    struct rt_json *body = NULL;
    int rc;

    if (isnan(value.value))
        return RT_OK;
    settle_doubt(link);
    if (own->last[value.series] == RT_COMET_UNKNOWN)
        RT_TRY(ask_last(link, value.series, err));
    if (value.step <= own->last[value.series])
        return RT_OK;
    rc = rt_comet_begin_body(link, &body, err);
    rc = rc ? rc : fill_metric(body, &value, err);
    RT_TRY(rt_comet_post_and_free(link, "/write/experiment/metric", rc, &body, err));
    own->last[value.series] = value.step;
    return RT_OK;
}

static int comet_points(struct rt_link *link, const struct rt_service_point *points, int count,
                        struct rt_error *err)
{
    for (int i = 0; i < count; i++) {
        const struct rt_log_point *point = &points[i].point;

        for (int m = 0; m < RT_METRIC_COUNT; m++)
            RT_TRY(send_value(link,
                              (struct value){(enum rt_comet_series)m,
                                             rt_metric_value(&rt_metrics[m], &point->scores), point->step,
                                             point->epoch, points[i].at_ms},
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
    const double test_acc = number_at(json, "test_acc");
    const int64_t step = rt_spool_whole(record, "step"), epoch = rt_spool_whole(record, "epoch");
    bool figure1 = true;

    if (rt_json_has(json, "figure1"))
        RT_TRY(rt_json_get_bool(json, RT_SPOOL_NAME, "figure1", &figure1, err));

    const struct value values[] = {
        {RT_COMET_test_acc, figure1 ? test_acc : NAN, 0, 0, 0}, /* figure 2 has it at its log points */
        {RT_COMET_error, 1 - test_acc, 0, 0, 0},
        {RT_COMET_time_to_overfit, number_at(json, "minutes"), 0, 0, 0},
        {RT_COMET_epochs_to_overfit, epoch < 0 ? NAN : (double)epoch, 0, 0, 0},
        {RT_COMET_label_corruption, number_at(json, "label_corruption"), 0, 0, 0},
    };
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        struct value value = values[i];

        value.step = step;
        value.epoch = epoch;
        value.at_ms = record->at_ms;
        RT_TRY(send_value(link, value, err));
    }
    return RT_OK;
}

/* ---- the end */

static int comet_finish(struct rt_link *link, const struct rt_spool_record *record, struct rt_error *err)
{
    const int64_t step = rt_spool_whole(record, "step");

    RT_TRY(send_value(
        link, (struct value){RT_COMET_runtime, number_at(record->json, "wall_s"), step, -1, record->at_ms},
        err));
    RT_TRY(rt_comet_post_other(link, "status", rt_link_text(record->json, "status"), record->at_ms, err));
    if (rt_json_has(record->json, "reason"))
        RT_TRY(rt_comet_post_other(link, "ended", rt_link_text(record->json, "reason"), record->at_ms, err));
    return rt_comet_post_time(link, "endTimeMillis", record->at_ms, err);
}

static int comet_beat(struct rt_link *link, double *next_s, struct rt_error *err)
{
    struct rt_json *answer = NULL;
    double ms;

    RT_TRY(rt_comet_get_of_run(link, "/write/experiment/set-status", "", BEAT_TIMEOUT_S, &answer, err));
    if (answer && !rt_json_get_number(answer, "", "isAliveBeatDurationMillis", &ms, NULL) && ms >= 100 &&
        ms <= 1e9)
        *next_s = ms / 1000;
    rt_json_free(&answer);
    return RT_OK;
}

static const struct rt_service comet_service = {
    .name = "comet",
    .title = "Comet",
    .points_max = 1,
    .keyed = true,
    .open = rt_comet_open,
    .start = rt_comet_start,
    .points = comet_points,
    .threshold = comet_threshold,
    .finish = comet_finish,
    .beat = comet_beat,
    .close = rt_comet_close,
};

RT_REMOTE_RECORDER(comet);
