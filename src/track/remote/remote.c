#include "track/remote/remote.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/system.h"
#include "track/params.h"
#include "track/remote/link.h"
#include "track/remote/worker.h"

#define WAIT_FINISHED_S 10.0
#define WAIT_INTERRUPTED_S 3.0

struct rt_recorder {
    const struct rt_service *service;
    const struct rt_run_info *info;
    struct rt_spool spool;
    struct rt_text fields;    /* of the record that is being written; its memory is kept */
    struct rt_worker *worker; /* null: the service is not set up */
    char model[RT_PATH_MAX];  /* the last checkpoint, below the run directory; "": none yet */
    int64_t step;             /* batches trained at the last log point */
    int epoch;                /* of that */
    bool wanted;              /* false: the spool cannot be written any more */
};

/* ---- the start record */

/* "params", or "current": those that may change when the run is resumed. */
static int add_params(struct rt_json *record, const char *name, bool may_change,
                      const struct rt_experiment *experiment, struct rt_error *err)
{
    struct rt_param params[RT_PARAMS_MAX];
    const int count = rt_params_list(experiment, params);
    struct rt_json *object = NULL;
    int rc = rt_json_object(&object, err);

    for (int i = 0; !rc && i < count; i++)
        if (params[i].may_change == may_change)
            rc = rt_json_set_text(object, params[i].name, params[i].text, err);
    return rc ? (rt_json_free(&object), rc) : rt_json_set(record, name, &object, err);
}

static int add_facts(struct rt_json *record, const struct rt_run_info *info, struct rt_error *err)
{
    char number[32], group[RT_TEXT_MAX];
    struct rt_json *object = NULL;
    int rc;

    rt_params_group(info->experiment, group);
    snprintf(number, sizeof number, "%" PRId64, info->provenance->parameters);
    (void)((rc = rt_json_object(&object, err)) ||
           (rc = rt_json_set_text(object, "data", info->provenance->data.name, err)) ||
           (rc = rt_json_set_text(object, "data_digest", info->provenance->data.digest, err)) ||
           (rc =
                rt_json_set_text(object, "corruption_digest", info->provenance->data.corruption_digest, err)) ||
           (rc = rt_json_set_text(object, "engine", info->provenance->engine, err)) ||
           (rc = rt_json_set_text(object, "isa", info->provenance->target, err)) ||
           (rc = rt_json_set_text(object, "parameters", number, err)) ||
           (rc = rt_json_set_text(object, "group", group, err)));
    snprintf(number, sizeof number, "%" PRId64, info->provenance->threads);
    rc = rc ? rc : rt_json_set_text(object, "threads", number, err);
    return rc ? (rt_json_free(&object), rc) : rt_json_set(record, "facts", &object, err);
}

static const char *user_name(void)
{
    const struct passwd *entry = getpwuid(getuid());

    return entry && entry->pw_name ? entry->pw_name : "unknown";
}

/* A name that no other run has, to find this one again at a service that did not answer. */
static int draw_session(char out[33], struct rt_error *err)
{
    unsigned char bytes[16];

    if (rt_system_random(bytes, sizeof bytes))
        return rt_fail_errno(err, RT_EIO, errno, "cannot draw a random name for the run");
    for (size_t i = 0; i < sizeof bytes; i++)
        snprintf(out + 2 * i, 3, "%02x", bytes[i]);
    return RT_OK;
}

static int fill_start(struct rt_json *record, const struct rt_run_info *info, struct rt_error *err)
{
    const struct rt_experiment *experiment = info->experiment;
    const char *sweep = getenv("RETHINK_SWEEP");
    char session[33];

    RT_TRY(draw_session(session, err));
    RT_TRY(rt_json_set_bool(record, "resumed", info->resumed, err));
    RT_TRY(rt_json_set_integer(record, "start_step", info->start_batches + 1, err));
    RT_TRY(rt_json_set_text(record, "name", experiment->experiment_name, err));
    RT_TRY(rt_json_set_text(record, "model", experiment->model_name, err));
    RT_TRY(rt_json_set_text(record, "project", experiment->comet_project, err));
    RT_TRY(rt_json_set_text(record, "key", experiment->experiment_key, err));
    RT_TRY(rt_json_set_text(record, "sweep", sweep ? sweep : "", err));
    RT_TRY(rt_json_set_text(record, "user", user_name(), err));
    RT_TRY(rt_json_set_text(record, "session", session, err));
    RT_TRY(add_params(record, "params", false, experiment, err));
    RT_TRY(add_params(record, "current", true, experiment, err));
    return add_facts(record, info, err);
}

/* ---- writing to the spool */

/* Losing the spool (a full disk) loses points for the service, not the run. */
static void give_up(struct rt_recorder *recorder, const struct rt_error *failure)
{
    recorder->wanted = false;
    rt_log_warn("%s: %s; later points are not recorded for it; training continues", recorder->service->title,
                failure->message);
}

static void append(struct rt_recorder *recorder, enum rt_spool_type type, const char *fields)
{
    struct rt_error failure;

    if (!recorder->wanted)
        return;
    if (rt_spool_append(&recorder->spool, type, fields, &failure))
        give_up(recorder, &failure);
    else if (recorder->worker)
        rt_worker_tell(recorder->worker);
}

static void append_json(struct rt_recorder *recorder, enum rt_spool_type type, const struct rt_json *record)
{
    struct rt_error failure;
    char *text = NULL;

    if (rt_json_format(record, false, &text, &failure))
        give_up(recorder, &failure);
    else
        append(recorder, type, text);
    rt_free(&text);
}

static void append_start(struct rt_recorder *recorder)
{
    struct rt_json *record = NULL;
    struct rt_error failure;

    if (rt_json_object(&record, &failure) || fill_start(record, recorder->info, &failure))
        give_up(recorder, &failure);
    else
        append_json(recorder, RT_SPOOL_start, record);
    rt_json_free(&record);
}

/* ---- the recorder's functions */

static int open_spool(struct rt_recorder *recorder, struct rt_error *err)
{
    const struct rt_run_info *info = recorder->info;

    if (!info->resumed)
        RT_TRY(rt_link_forget(recorder->service, info->run_dir, err));
    return rt_spool_open(&recorder->spool, info->run_dir, recorder->service->name, err);
}

static void start_worker(struct rt_recorder *recorder)
{
    const struct rt_run_info *info = recorder->info;
    struct rt_error failure;

    if (rt_worker_start(&recorder->worker, recorder->service, info->run_dir, info->experiment->comet_project,
                        &failure))
        rt_log_warn("%s: %s; the run is kept in %s/" RT_SPOOL_NAME " until `rethink sync`",
                    recorder->service->title, failure.message, info->run_dir);
}

int rt_remote_start(struct rt_recorder **out, const struct rt_service *service, const struct rt_run_info *info,
                    struct rt_error *err)
{
    struct rt_recorder *recorder;
    struct rt_error failure;

    RT_TRY(rt_alloc(&recorder, 1, sizeof *recorder, "a recorder", err));
    *out = recorder;
    recorder->service = service;
    recorder->info = info;
    recorder->step = info->start_batches;
    recorder->epoch = info->start_epoch;
    recorder->wanted = true;
    rt_text_printf(&recorder->fields, "%1000s", ""); /* so that log points allocate nothing */
    if (open_spool(recorder, &failure)) {
        give_up(recorder, &failure);
        return RT_OK;
    }
    append_start(recorder);
    if (recorder->wanted)
        start_worker(recorder);
    return RT_OK;
}

/* Adds "key":value; NaN (not measured) is left out. */
static void add_number(struct rt_text *fields, const char *key, double value)
{
    if (isnan(value))
        return;
    rt_text_printf(fields, ",\"%s\":", key);
    if (isfinite(value))
        rt_text_append_real(fields, value);
    else
        rt_text_append(fields, value < 0 ? "\"-Infinity\"" : "\"Infinity\"");
}

static void add_scores(struct rt_text *fields, const struct rt_scores *scores)
{
    for (int i = 0; i < RT_METRIC_COUNT; i++)
        add_number(fields, rt_metrics[i].name, rt_metric_value(&rt_metrics[i], scores));
}

int rt_remote_log(struct rt_recorder *recorder, const struct rt_log_point *point, struct rt_error *err)
{
    struct rt_text *fields = &recorder->fields;

    (void)err;
    recorder->step = rt_log_point_batches(point);
    recorder->epoch = point->epoch;
    rt_text_clear(fields);
    rt_text_printf(fields, "{\"step\":%" PRId64 ",\"epoch\":%d,\"batch\":%d,\"batches\":%d", recorder->step,
                   point->epoch, point->batch, point->batches);
    add_scores(fields, &point->scores);
    add_number(fields, "learning_rate", point->learning_rate);
    rt_text_append(fields, "}");
    append(recorder, RT_SPOOL_point, rt_text_string(fields));
    return RT_OK;
}

static void begin_outcome(struct rt_text *fields, int64_t step)
{
    rt_text_clear(fields);
    rt_text_printf(fields, "{\"step\":%" PRId64, step);
}

int rt_remote_threshold(struct rt_recorder *recorder, const struct rt_outcome *outcome, struct rt_error *err)
{
    struct rt_text *fields = &recorder->fields;

    (void)err;
    begin_outcome(fields, recorder->step);
    add_number(fields, "epoch", (double)outcome->threshold_epoch);
    add_number(fields, "minutes", outcome->threshold_minutes);
    add_number(fields, "label_corruption", recorder->info->experiment->label_corruption_prob);
    rt_text_printf(fields, ",\"figure1\":%s", recorder->info->experiment->figure1 ? "true" : "false");
    add_scores(fields, &outcome->scores);
    add_number(fields, "wall_s", outcome->wall_s);
    rt_text_append(fields, "}");
    append(recorder, RT_SPOOL_threshold, rt_text_string(fields));
    return RT_OK;
}

int rt_remote_sync(struct rt_recorder *recorder, struct rt_error *err)
{
    struct rt_error failure;

    (void)err;
    if (recorder->wanted && rt_file_sync(recorder->spool.fd, recorder->spool.path, &failure))
        give_up(recorder, &failure);
    return RT_OK;
}

int rt_remote_checkpoint(struct rt_recorder *recorder, const char *path, int epoch, struct rt_error *err)
{
    (void)epoch, (void)err;
    rt_copy_text(recorder->model, sizeof recorder->model, rt_path_name(path));
    return RT_OK;
}

void rt_remote_keep(struct rt_recorder *recorder, struct rt_experiment *experiment)
{
    char name[RT_ID_MAX] = "";

    if (recorder->service->keyed && recorder->worker)
        rt_worker_run_name(recorder->worker, name);
    if (*name)
        rt_copy_text(experiment->experiment_key, sizeof experiment->experiment_key, name);
}

static const char *status_word(enum rt_status status)
{
    return status == RT_OK ? "finished" : status == RT_EINTERRUPTED ? "interrupted" : "failed";
}

/* How the run ended, and where: a point that has no number (its loss is NaN) is not sent, and this is why. */
static int set_reason(struct rt_json *record, enum rt_status status, int64_t step, int epoch,
                      struct rt_error *err)
{
    const char *word = status == RT_EDIVERGED ? "diverged" : status_word(status);
    char reason[64];

    snprintf(reason, sizeof reason, "%s at step %" PRId64 ", in epoch %d", word, step, epoch);
    return rt_json_set_text(record, "reason", reason, err);
}

int rt_remote_finish(struct rt_recorder *recorder, const struct rt_outcome *outcome, enum rt_status status,
                     struct rt_error *err)
{
    struct rt_text *fields = &recorder->fields;
    struct rt_json *record = NULL;
    struct rt_error failure;

    (void)err;
    begin_outcome(fields, recorder->step);
    add_scores(fields, &outcome->scores);
    add_number(fields, "wall_s", outcome->wall_s);
    rt_text_append(fields, "}");
    if (rt_json_parse(&record, "finish", rt_text_string(fields), fields->length, &failure) ||
        rt_json_set_text(record, "status", status_word(status), &failure) ||
        set_reason(record, status, recorder->step, recorder->epoch, &failure) ||
        rt_json_set_text(record, "model", recorder->model, &failure))
        give_up(recorder, &failure);
    else
        append_json(recorder, RT_SPOOL_finish, record);
    rt_json_free(&record);
    if (recorder->worker)
        rt_worker_close(recorder->worker, status == RT_EINTERRUPTED ? WAIT_INTERRUPTED_S : WAIT_FINISHED_S);
    return RT_OK;
}

static void report_left(const struct rt_recorder *recorder, int64_t sent)
{
    int64_t points, others;

    if (rt_spool_count(recorder->info->run_dir, recorder->service->name, sent, &points, &others, NULL) ||
        points + others == 0)
        return;
    rt_log_info("%s: %" PRId64 " points%s are not sent yet; `rethink sync %s` sends them",
                recorder->service->title, points, others ? " and the run's state" : "",
                recorder->info->run_dir);
}

void rt_remote_free(struct rt_recorder *recorder)
{
    int64_t sent = 0;

    if (recorder->worker) {
        rt_worker_free(&recorder->worker, &sent);
        report_left(recorder, sent);
    }
    rt_spool_close(&recorder->spool);
    rt_text_free(&recorder->fields);
    rt_free(&recorder);
}
