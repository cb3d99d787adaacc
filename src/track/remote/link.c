#include "track/remote/link.h"

#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"

enum { POSITION_MAX_BYTES = 64 << 10 };

/* ---- SERVICE.json */

static int position_path(char path[RT_PATH_MAX], const struct rt_service *service, const char *run_dir,
                         struct rt_error *err)
{
    char name[64];

    snprintf(name, sizeof name, "%s.json", service->name);
    return rt_path_join(path, run_dir, name, err);
}

int rt_link_forget(const struct rt_service *service, const char *run_dir, struct rt_error *err)
{
    char path[RT_PATH_MAX];

    RT_TRY(position_path(path, service, run_dir, err));
    return rt_file_remove(path, err);
}

static int read_text(const struct rt_json *json, const char *path, const char *key, char *out, size_t size,
                     struct rt_error *err)
{
    const char *text;

    RT_TRY(rt_json_get_text(json, path, key, &text, err));
    if (!rt_copy_text(out, size, text))
        return rt_fail(err, RT_EDATA, "%s: %s is too long", path, key);
    return RT_OK;
}

static int read_position(struct rt_position *position, const struct rt_json *json, const char *path,
                         struct rt_error *err)
{
    int64_t part;

    RT_TRY(read_text(json, path, "url", position->url, sizeof position->url, err));
    RT_TRY(read_text(json, path, "run", position->run, sizeof position->run, err));
    RT_TRY(read_text(json, path, "files", position->root, sizeof position->root, err));
    RT_TRY(rt_json_get_integer(json, path, "sent", &position->sent, err));
    RT_TRY(rt_json_get_integer(json, path, "part", &part, err));
    RT_TRY(rt_json_get_integer(json, path, "step", &position->step, err));
    RT_TRY(rt_json_get_bool(json, path, "threshold", &position->threshold, err));
    position->part = (int)part;
    return RT_OK;
}

int rt_link_load(struct rt_link *link, struct rt_error *err)
{
    struct rt_position position = {.step = -1};
    struct rt_json *json = NULL;
    char path[RT_PATH_MAX];
    int rc;

    RT_TRY(position_path(path, link->service, link->run_dir, err));
    if (rt_path_exists(path)) {
        RT_TRY(rt_json_read(&json, path, POSITION_MAX_BYTES, err));
        rc = read_position(&position, json, path, err);
        rt_json_free(&json);
        RT_TRY(rc);
    }
    link->position = position;
    link->doubtful = *position.run != '\0'; /* the process may have ended between an answer and this file */
    return RT_OK;
}

int rt_link_save(const struct rt_link *link, struct rt_error *err)
{
    const struct rt_position *position = &link->position;
    struct rt_json *json = NULL;
    char path[RT_PATH_MAX];
    int rc;

    RT_TRY(position_path(path, link->service, link->run_dir, err));
    (void)((rc = rt_json_object(&json, err)) || (rc = rt_json_set_text(json, "url", position->url, err)) ||
           (rc = rt_json_set_text(json, "run", position->run, err)) ||
           (rc = rt_json_set_text(json, "files", position->root, err)) ||
           (rc = rt_json_set_integer(json, "sent", position->sent, err)) ||
           (rc = rt_json_set_integer(json, "part", position->part, err)) ||
           (rc = rt_json_set_integer(json, "step", position->step, err)) ||
           (rc = rt_json_set_bool(json, "threshold", position->threshold, err)) ||
           (rc = rt_json_write(json, path, err)));
    rt_json_free(&json);
    return rc;
}

/* ---- opening */

int rt_link_open(struct rt_link *link, const struct rt_service *service, const char *run_dir,
                 const char *project, struct rt_error *err)
{
    *link = (struct rt_link){.service = service, .run_dir = run_dir};
    RT_TRY(rt_link_load(link, err));
    RT_TRY(rt_http_create(&link->http, err));
    return service->open(link, project, err);
}

void rt_link_close(struct rt_link *link)
{
    if (link->service && link->own)
        link->service->close(link);
    rt_http_free(&link->http);
    *link = (struct rt_link){0};
}

/* ---- calls */

int rt_link_fail(struct rt_link *link, struct rt_error *err, const char *format, ...)
{
    char message[RT_ERROR_MESSAGE_MAX];
    va_list args;

    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    link->failure = RT_LINK_FINAL;
    return rt_fail(err, RT_EIO, "%s", message);
}

const char *rt_link_text(const struct rt_json *object, const char *key)
{
    const char *text;

    return rt_json_get_text(object, "", key, &text, NULL) ? "" : text;
}

int rt_link_set_number(struct rt_json *object, const char *key, double value, struct rt_error *err)
{
    if (isfinite(value))
        return rt_json_set_number(object, key, value, err);
    return rt_json_set_text(object, key, isnan(value) ? "NaN" : value < 0 ? "-Infinity" : "Infinity", err);
}

/* Replaces what must not be seen (a service may well quote the key that it does not like), and what would break
 * the line. */
static void make_printable(const struct rt_link *link, char *text)
{
    for (size_t i = 0; i < sizeof link->secrets / sizeof *link->secrets; i++) {
        const char *secret = link->secrets[i];
        char *found;

        while (secret && strlen(secret) > 3 && (found = strstr(text, secret)))
            memset(found, '*', strlen(secret));
    }
    for (; *text; text++)
        if (!isprint((unsigned char)*text))
            *text = ' ';
}

static bool is_transient(int status)
{
    return status == 408 || status == 429 || (status >= 500 && status <= 599 && status != 501);
}

/* What the service says of the failure: {"message" or "msg": ..., "error_code": ...}. */
static void read_complaint(struct rt_link *link, const struct rt_http_answer *answer, char *said, size_t size)
{
    struct rt_json *json = NULL;
    const char *text;

    *said = *link->code = '\0';
    if (answer->body && !rt_json_parse(&json, "answer", answer->body, answer->size, NULL)) {
        if (!rt_json_get_text(json, "", "error_code", &text, NULL))
            snprintf(link->code, sizeof link->code, "%s", text);
        if (!rt_json_get_text(json, "", "message", &text, NULL) ||
            !rt_json_get_text(json, "", "msg", &text, NULL))
            snprintf(said, size, ": %.200s", text);
        rt_json_free(&json);
    }
    make_printable(link, said);
}

static int judge_status(struct rt_link *link, const struct rt_http_request *request,
                        const struct rt_http_answer *answer, struct rt_error *err)
{
    char said[256], shown[512];

    if (answer->status >= 200 && answer->status < 300)
        return RT_OK;
    link->failure = is_transient(answer->status) ? RT_LINK_RETRY : RT_LINK_FINAL;
    link->retry_after_s = answer->retry_after_s;
    if (answer->status == 408 || answer->status >= 500)
        link->doubtful = true;
    read_complaint(link, answer, said, sizeof said);
    return rt_fail(err, RT_EIO, "%s answers %d%s", rt_http_shown(request->url, shown, sizeof shown),
                   answer->status, said);
}

int rt_link_call(struct rt_link *link, const struct rt_http_request *request, struct rt_json **answer_json,
                 struct rt_error *err)
{
    struct rt_http_answer answer;
    int rc;

    link->status = 0;
    link->retry_after_s = 0;
    *link->code = '\0';
    rc = rt_http_send(link->http, request, &answer, err);
    link->status = answer.status;
    if (rc) {
        link->failure = answer.outcome == RT_HTTP_REFUSED ? RT_LINK_FINAL : RT_LINK_RETRY;
        if (answer.outcome == RT_HTTP_LOST || answer.outcome == RT_HTTP_STOPPED)
            link->doubtful = true;
        if (err)
            make_printable(link, err->message);
    } else {
        rc = judge_status(link, request, &answer, err);
    }
    if (!rc && answer_json && answer.size) {
        rc = rt_json_parse(answer_json, "the service's answer", answer.body, answer.size, err);
        if (rc)
            link->failure = RT_LINK_FINAL;
    }
    rt_http_answer_free(&answer);
    return rc;
}
