#include "track/remote/comet.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"

static int find_workspace(struct rt_link *link, struct rt_error *err)
{
    struct rt_comet *own = link->own;
    struct rt_json *answer = NULL;
    const char *name;
    int rc;

    if (*own->workspace)
        return RT_OK;
    RT_TRY(rt_comet_get(link, "/account-details", "", 0, &answer, err));
    if (!answer || rt_json_get_text(answer, "", "defaultWorkspaceName", &name, NULL) ||
        !rt_copy_text(own->workspace, sizeof own->workspace, name))
        rc = rt_link_fail(link, err, "the account has no default workspace; set COMET_WORKSPACE");
    else
        rc = RT_OK;
    rt_json_free(&answer);
    return rc;
}

/* Where the experiment can be viewed: as given by the server, shown if it is an address. */
static void show_place(const struct rt_link *link, const char *text)
{
    char shown[RT_URL_MAX];

    snprintf(shown, sizeof shown, "%s", text);
    rt_link_blot(link, shown);
    if (!strncmp(shown, "https://", 8) || !strncmp(shown, "http://", 7))
        rt_log_info("Comet: %s", shown);
}

static int keep_key(struct rt_link *link, const struct rt_json *answer, struct rt_error *err)
{
    struct rt_position *position = &link->position;
    const struct rt_comet *own = link->own;

    if (!answer)
        return rt_link_fail(link, err, "the server's answer is empty; is it Comet's?");
    RT_TRY(rt_link_copy_id(link, position->run, "experimentKey in the server's answer",
                           rt_link_text(answer, "experimentKey"), err));
    snprintf(position->url, sizeof position->url, "%s", own->base);
    show_place(link, rt_link_text(answer, "link"));
    return rt_link_save(link, err);
}

static int create_experiment(struct rt_link *link, const char *name, struct rt_error *err)
{
    struct rt_comet *own = link->own;
    struct rt_json *body = NULL, *answer = NULL;
    int rc;

    RT_TRY(find_workspace(link, err));
    (void)((rc = rt_json_object(&body, err)) ||
           (rc = rt_json_set_text(body, "workspaceName", own->workspace, err)) ||
           (rc = rt_json_set_text(body, "projectName", own->project, err)) ||
           (rc = rt_json_set_text(body, "experimentName", name, err)) ||
           (rc = rt_comet_post(link, "/write/experiment/create", body, &answer, err)) ||
           (rc = keep_key(link, answer, err)));
    rt_json_free(&body);
    rt_json_free(&answer);
    for (int i = 0; !rc && i < RT_COMET_SERIES_COUNT; i++)
        own->last[i] = RT_COMET_NONE;
    if (!rc)
        link->doubtful = false;
    return rc;
}

/* The experiment that the run was sent to before must still be there. */
static int check_experiment(struct rt_link *link, struct rt_error *err)
{
    struct rt_json *answer = NULL;
    bool archived = false;
    int rc = rt_comet_get_of_run(link, "/experiment/metadata", "", 0, &answer, err);

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

static int post_parameter(struct rt_link *link, const char *name, const char *value, int64_t at_ms,
                          struct rt_error *err)
{
    struct rt_json *body = NULL;
    int rc;

    (void)((rc = rt_comet_begin_body(link, &body, err)) ||
           (rc = rt_json_set_text(body, "parameterName", name, err)) ||
           (rc = rt_json_set_text(body, "parameterValue", value, err)) ||
           (rc = rt_json_set_integer(body, "timestamp", at_ms, err)));
    return rt_comet_post_and_free(link, "/write/experiment/parameter", rc, &body, err);
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

static int describe(struct rt_link *link, const struct rt_spool_record *record, struct rt_error *err)
{
    int index = 1;

    if (link->position.part == 0) {
        RT_TRY(rt_comet_post_other(link, "Name", rt_link_text(record->json, "name"), record->at_ms, err));
        RT_TRY(rt_comet_post_time(link, "startTimeMillis", record->at_ms, err));
        link->position.part = 1;
    }
    RT_TRY(post_members(link, record, "params", &index, post_parameter, err));
    RT_TRY(post_members(link, record, "current", &index, post_parameter, err));
    return post_members(link, record, "facts", &index, rt_comet_post_other, err);
}

/* The config's experiment_key is where the run went before, which means nothing to one that is started anew. */
static const char *resumed_key(const struct rt_spool_record *record)
{
    bool resumed = false;

    rt_json_get_bool(record->json, "", "resumed", &resumed, NULL);
    return resumed ? rt_link_text(record->json, "key") : "";
}

int rt_comet_start(struct rt_link *link, const struct rt_spool_record *record, struct rt_error *err)
{
    const bool begun = link->position.sent > 0;
    struct rt_position *position = &link->position;
    const struct rt_comet *own = link->own;
    const char *key = resumed_key(record);

    if (!*position->run && *key) {
        RT_TRY(rt_link_copy_id(link, position->run, "experiment_key in the config", key, err));
        snprintf(position->url, sizeof position->url, "%s", own->base);
        link->doubtful = true; /* it may have points from before */
    }
    if (!*position->run)
        RT_TRY(create_experiment(link, rt_link_text(record->json, "name"), err));
    else if (begun || *key)
        RT_TRY(check_experiment(link, err));
    return begun ? RT_OK : describe(link, record, err);
}
