#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/entry.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/system.h"
#include "track/remote/mlflow.h"
#include "track/remote/settings.h"

enum { ID_FILE_MAX_BYTES = 4096 };

/* ---- the experiment */

static int copy_id(struct rt_link *link, const struct rt_json *answer, const char *path, char out[RT_ID_MAX],
                   struct rt_error *err)
{
    const char *text;

    if (!answer || rt_json_get_text(answer, "", path, &text, NULL))
        return rt_link_fail(link, err, "the server's answer has no %s; is it MLflow's?", path);
    return rt_link_copy_id(link, out, path, text, err);
}

static int get_experiment(struct rt_link *link, char id[RT_ID_MAX], struct rt_error *err)
{
    const struct rt_mlflow *own = link->own;
    struct rt_json *answer = NULL;
    int rc = rt_mlflow_get(link, "experiments/get-by-name", "experiment_name", own->experiment, &answer, err);

    rc = rc ? rc : copy_id(link, answer, "experiment/experiment_id", id, err);
    rt_json_free(&answer);
    return rc;
}

static int create_experiment(struct rt_link *link, char id[RT_ID_MAX], struct rt_error *err)
{
    const struct rt_mlflow *own = link->own;
    struct rt_json *body = NULL, *answer = NULL;
    int rc;

    RT_TRY(rt_json_object(&body, err));
    if ((rc = rt_json_set_text(body, "name", own->experiment, err))) {
        rt_json_free(&body);
        return rc;
    }
    rc = rt_mlflow_post(link, "experiments/create", &body, &answer, err);
    rc = rc ? rc : copy_id(link, answer, "experiment_id", id, err);
    rt_json_free(&answer);
    return rc;
}

/* Two runs that start at once both want to create it: the second one finds the first one's. */
static int find_experiment(struct rt_link *link, char id[RT_ID_MAX], struct rt_error *err)
{
    const char *given = rt_setting_env("MLFLOW_EXPERIMENT_ID");
    int rc;

    if (given)
        return rt_setting_copy(id, RT_ID_MAX, "MLFLOW_EXPERIMENT_ID", given, err);
    rc = get_experiment(link, id, err);
    if (!rc || strcmp(link->code, "RESOURCE_DOES_NOT_EXIST"))
        return rc;
    rc = create_experiment(link, id, err);
    if (!rc || strcmp(link->code, "RESOURCE_ALREADY_EXISTS"))
        return rc;
    return get_experiment(link, id, err);
}

/* ---- the run */

static int add_pair(struct rt_json *list, const char *key, const char *value, struct rt_error *err)
{
    struct rt_json *pair = NULL;
    int rc;

    (void)((rc = rt_json_object(&pair, err)) || (rc = rt_json_set_text(pair, "key", key, err)) ||
           (rc = rt_json_set_text(pair, "value", value, err)));
    return rc ? (rt_json_free(&pair), rc) : rt_json_append(list, &pair, err);
}

/* Members of an object in the start record as a list of key and value. */
static int add_members(struct rt_json *list, const struct rt_json *object, const char *prefix,
                       struct rt_error *err)
{
    for (void *it = object ? rt_json_first(object) : NULL; it; it = rt_json_next(object, it)) {
        const char *text;
        char key[128];

        snprintf(key, sizeof key, "%s%s", prefix, rt_json_key(it));
        if (!rt_json_get_text(rt_json_value(it), "", "", &text, NULL))
            RT_TRY(add_pair(list, key, text, err));
    }
    return RT_OK;
}

struct run_facts {
    const char *experiment_id, *name, *parent, *sweep;
    int64_t start_ms;
    const struct rt_json *record; /* null for a parent */
};

static int fill_tags(struct rt_json *tags, const struct run_facts *facts, struct rt_error *err)
{
    const struct rt_json *record = facts->record;

    RT_TRY(add_pair(tags, "mlflow.runName", facts->name, err));
    RT_TRY(add_pair(tags, "mlflow.source.name", "rethink", err));
    RT_TRY(add_pair(tags, "mlflow.source.type", "LOCAL", err));
    if (*facts->parent)
        RT_TRY(add_pair(tags, "mlflow.parentRunId", facts->parent, err));
    if (*facts->sweep)
        RT_TRY(add_pair(tags, "rethink.sweep", facts->sweep, err));
    if (!record)
        return RT_OK;
    RT_TRY(add_pair(tags, "mlflow.user", rt_link_text(record, "user"), err));
    RT_TRY(add_pair(tags, "rethink.session", rt_link_text(record, "session"), err));
    RT_TRY(add_members(tags, rt_json_at(record, "current"), "rethink.", err));
    return add_members(tags, rt_json_at(record, "facts"), "rethink.", err);
}

static int fill_run(struct rt_json *body, const struct run_facts *facts, struct rt_error *err)
{
    struct rt_json *tags = NULL;
    int rc;

    RT_TRY(rt_json_set_text(body, "experiment_id", facts->experiment_id, err));
    RT_TRY(rt_json_set_text(body, "run_name", facts->name, err));
    RT_TRY(rt_json_set_integer(body, "start_time", facts->start_ms, err));
    RT_TRY(rt_json_array(&tags, err));
    rc = fill_tags(tags, facts, err);
    return rc ? (rt_json_free(&tags), rc) : rt_json_set(body, "tags", &tags, err);
}

static int post_run(struct rt_link *link, const struct run_facts *facts, struct rt_json **answer,
                    struct rt_error *err)
{
    struct rt_json *body = NULL;
    int rc = rt_json_object(&body, err);

    rc = rc ? rc : fill_run(body, facts, err);
    if (rc) {
        rt_json_free(&body);
        return rc;
    }
    return rt_mlflow_post(link, "runs/create", &body, answer, err);
}

/* Keeps id and place of the run at `path` of an answer. */
static int keep_run(struct rt_link *link, const struct rt_json *answer, const char *path, struct rt_error *err)
{
    const struct rt_mlflow *own = link->own;
    struct rt_position *position = &link->position;
    const struct rt_json *info = answer ? rt_json_at(answer, path) : NULL;

    if (!info)
        return rt_link_fail(link, err, "the server's answer has no %s; is it MLflow's?", path);
    RT_TRY(copy_id(link, info, "run_id", position->run, err));
    rt_mlflow_clean_root(rt_link_text(info, "artifact_uri"), position->root);
    snprintf(position->url, sizeof position->url, "%s", own->base);
    return rt_link_save(link, err);
}

/* The run that an unanswered call has made, if it did: *found. */
static int search_run(struct rt_link *link, const struct run_facts *facts, bool *found, struct rt_error *err)
{
    struct rt_json *body = NULL, *ids = NULL, *answer = NULL;
    char filter[256];
    int rc;

    snprintf(filter, sizeof filter, "tags.`rethink.session` = '%.64s'", rt_link_text(facts->record, "session"));
    (void)((rc = rt_json_object(&body, err)) || (rc = rt_json_array(&ids, err)) ||
           (rc = rt_json_append_text(ids, facts->experiment_id, err)) ||
           (rc = rt_json_set(body, "experiment_ids", &ids, err)) ||
           (rc = rt_json_set_text(body, "filter", filter, err)) ||
           (rc = rt_json_set_integer(body, "max_results", 1, err)));
    rt_json_free(&ids);
    if (rc) {
        rt_json_free(&body);
        return rc;
    }
    rc = rt_mlflow_post(link, "runs/search", &body, &answer, err);
    *found = !rc && answer && rt_json_at(answer, "runs/0/info");
    if (*found)
        rc = keep_run(link, answer, "runs/0/info", err);
    rt_json_free(&answer);
    return rc;
}

static int find_or_post_run(struct rt_link *link, const struct run_facts *facts, struct rt_error *err)
{
    struct rt_json *answer = NULL;
    bool found = false;
    int rc;

    if (link->doubtful)
        RT_TRY(search_run(link, facts, &found, err));
    link->doubtful = false;
    if (found)
        return RT_OK;
    rc = post_run(link, facts, &answer, err);
    rc = rc ? rc : keep_run(link, answer, "run/info", err);
    rt_json_free(&answer);
    return rc;
}

/* ---- the parent of a sweep's runs */

/* RUNS, for a run in RUNS/MODEL/NAME, where the program puts it. Elsewhere (a copy, an untrusted run) nothing
 * may be written above its folder: false. */
static bool find_runs(char runs[RT_PATH_MAX], const char *run_dir, const struct run_facts *facts)
{
    char real[PATH_MAX], end[RT_PATH_MAX];
    const int length = snprintf(end, sizeof end, "/%s/%s", rt_link_text(facts->record, "model"), facts->name);
    size_t size;

    if (length < 0 || (size_t)length >= sizeof end || !realpath(run_dir, real) ||
        !rt_path_has_suffix(real, end))
        return false;
    size = strlen(real) - (size_t)length;
    real[size ? size : 1] = '\0';
    return rt_copy_text(runs, RT_PATH_MAX, real);
}

/* The name of RUNS/.mlflow-sweep-NAME.json, whose lock lets one run make the parent while others wait. */
static void parent_name(char name[256], const char *sweep)
{
    char *byte = name + snprintf(name, 256, ".mlflow-sweep-");

    for (; *sweep && byte < name + 214; sweep++)
        *byte++ = *sweep == '/' ? '_' : *sweep;
    memcpy(byte, ".json", sizeof ".json");
}

/* A parent stands for a command, of which several processes may carry out parts: it has ended from the start,
 * rather than running for ever. What it is good for does not depend on that. */
static void end_parent(struct rt_link *link, const char *id, int64_t at_ms)
{
    struct rt_error failure = {0};
    struct rt_json *body = NULL;
    int rc = rt_json_object(&body, &failure);

    (void)(rc || (rc = rt_json_set_text(body, "run_id", id, &failure)) ||
           (rc = rt_json_set_text(body, "status", "FINISHED", &failure)) ||
           (rc = rt_json_set_integer(body, "end_time", at_ms, &failure)));
    if (!rc)
        rc = rt_mlflow_post(link, "runs/update", &body, NULL, &failure);
    rt_json_free(&body);
    if (rc)
        rt_log_note("MLflow: the sweep's parent run could not be ended: %s", failure.message);
}

static int post_parent(struct rt_link *link, struct run_facts facts, char id[RT_ID_MAX], struct rt_error *err)
{
    struct rt_json *answer = NULL;
    int rc;

    facts.name = facts.sweep;
    facts.record = NULL;
    rc = post_run(link, &facts, &answer, err);
    rc = rc ? rc : copy_id(link, answer, "run/info/run_id", id, err);
    rt_json_free(&answer);
    if (!rc)
        end_parent(link, id, facts.start_ms);
    return rc;
}

/* With the lock held: the id in the file if it is one of this server, else a new one, written to it. */
static int read_or_make_parent(struct rt_link *link, int fd, const char *path, const struct run_facts *facts,
                               char id[RT_ID_MAX], struct rt_error *err)
{
    const struct rt_mlflow *own = link->own;
    char text[ID_FILE_MAX_BYTES + 1] = "", *separator;
    size_t size;

    RT_TRY(rt_file_read(fd, path, text, ID_FILE_MAX_BYTES, &size, err));
    text[strcspn(text, "\n")] = '\0';
    separator = strchr(text, ' ');
    if (separator && !strcmp(separator + 1, own->base)) {
        *separator = '\0';
        if (!rt_link_copy_id(link, id, path, text, NULL))
            return RT_OK;
    }
    RT_TRY(post_parent(link, *facts, id, err));
    size = (size_t)snprintf(text, sizeof text, "%s %s\n", id, own->base);
    RT_TRY(rt_file_cut(fd, path, 0, err));
    if (lseek(fd, 0, SEEK_SET) < 0)
        return rt_fail_errno(err, RT_EIO, errno, "cannot write %s", path);
    return rt_file_write(fd, path, text, size, err);
}

static int find_parent(struct rt_link *link, const struct run_facts *facts, char id[RT_ID_MAX],
                       struct rt_error *err)
{
    char runs[RT_PATH_MAX], name[256], path[RT_PATH_MAX];
    int fd, rc;

    if (!find_runs(runs, link->run_dir, facts)) {
        rt_log_note("MLflow: %s is not where the sweep put it, so the run has no parent there", link->run_dir);
        return RT_OK;
    }
    parent_name(name, facts->sweep);
    RT_TRY(rt_path_join(path, runs, name, err));
    RT_TRY(rt_entry_open(&fd, runs, name, RT_OPEN_UPDATE, err));
    if (rt_system_lock(fd, path) && !rt_lock_unsupported(errno)) { /* without locks: two parents, at worst */
        link->failure = RT_LINK_RETRY;
        rc = rt_fail(err, RT_EIO, "%s: another run of the sweep is making its parent", path);
    } else {
        rc = read_or_make_parent(link, fd, path, facts, id, err);
    }
    rt_file_close_read(&fd);
    return rc;
}

/* ---- parameters */

static int log_params(struct rt_link *link, const struct rt_json *record, struct rt_error *err)
{
    struct rt_json *body = NULL, *params = NULL;
    int rc;

    (void)((rc = rt_json_object(&body, err)) || (rc = rt_json_array(&params, err)) ||
           (rc = add_members(params, rt_json_at(record, "params"), "", err)) ||
           (rc = rt_json_set_text(body, "run_id", link->position.run, err)) ||
           (rc = rt_json_set(body, "params", &params, err)));
    rt_json_free(&params);
    if (rc) {
        rt_json_free(&body);
        return rc;
    }
    return rt_mlflow_post(link, "runs/log-batch", &body, NULL, err);
}

int rt_mlflow_create_run(struct rt_link *link, const struct rt_spool_record *start, struct rt_error *err)
{
    char experiment[RT_ID_MAX], parent[RT_ID_MAX] = "";
    struct run_facts facts = {.experiment_id = experiment,
                              .name = rt_link_text(start->json, "name"),
                              .parent = parent,
                              .sweep = rt_link_text(start->json, "sweep"),
                              .start_ms = start->at_ms,
                              .record = start->json};

    if (!*link->position.run) {
        RT_TRY(find_experiment(link, experiment, err));
        if (*facts.sweep)
            RT_TRY(find_parent(link, &facts, parent, err));
        RT_TRY(find_or_post_run(link, &facts, err));
    }
    return log_params(link, start->json, err);
}
