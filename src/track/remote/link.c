#include "track/remote/link.h"

#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/entry.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/utf8.h"

enum { POSITION_MAX_BYTES = 64 << 10, SECRET_LEAST = 4, SECRET_LONG = 8 };

/* ---- SERVICE.json */

static void position_name(char name[64], const struct rt_service *service)
{
    snprintf(name, 64, "%s.json", service->name);
}

int rt_link_forget(const struct rt_service *service, const char *run_dir, struct rt_error *err)
{
    char name[64], path[RT_PATH_MAX];

    position_name(name, service);
    RT_TRY(rt_entry_path(path, run_dir, name, err));
    return rt_file_remove(path, err);
}

static bool is_id(const char *text)
{
    for (; *text; text++)
        if (!isalnum((unsigned char)*text) && !strchr("-_.", *text))
            return false;
    return true;
}

/* As this program writes it: http or https, without a user. */
static bool is_address(const char *text)
{
    return (!strncmp(text, "http://", 7) || !strncmp(text, "https://", 8)) && !strchr(text, '@') &&
           rt_utf8_is_plain(text);
}

static int read_text(const struct rt_json *json, const char *path, const char *key, char *out, size_t size,
                     struct rt_error *err)
{
    const char *text;

    RT_TRY(rt_json_get_text(json, path, key, &text, err));
    if (!rt_utf8_is_plain(text))
        return rt_fail(err, RT_EDATA, "%s: %s has control characters", path, key);
    if (!rt_copy_text(out, size, text))
        return rt_fail(err, RT_EDATA, "%s: %s is too long", path, key);
    return RT_OK;
}

static int read_count(const struct rt_json *json, const char *path, const char *key, int64_t low, int64_t high,
                      int64_t *out, struct rt_error *err)
{
    RT_TRY(rt_json_get_integer(json, path, key, out, err));
    if (*out < low || *out > high)
        return rt_fail(err, RT_EDATA, "%s: %s is %" PRId64 ", expected %" PRId64 " to %" PRId64, path, key,
                       *out, low, high);
    return RT_OK;
}

static int read_position(struct rt_position *position, const struct rt_json *json, const char *path,
                         struct rt_error *err)
{
    int64_t part;

    RT_TRY(read_text(json, path, "url", position->url, sizeof position->url, err));
    RT_TRY(read_text(json, path, "run", position->run, sizeof position->run, err));
    RT_TRY(read_text(json, path, "files", position->root, sizeof position->root, err));
    RT_TRY(read_count(json, path, "sent", 0, RT_SPOOL_NUMBER_MAX, &position->sent, err));
    RT_TRY(read_count(json, path, "part", 0, INT32_MAX, &part, err));
    RT_TRY(read_count(json, path, "step", -1, RT_SPOOL_NUMBER_MAX, &position->step, err));
    RT_TRY(rt_json_get_bool(json, path, "threshold", &position->threshold, err));
    if (*position->url && !is_address(position->url))
        return rt_fail(err, RT_EDATA, "%s: url is no server's address", path);
    if (!is_id(position->run))
        return rt_fail(err, RT_EDATA, "%s: run is no name that a service gives", path);
    position->part = (int)part;
    return RT_OK;
}

static int read_file(struct rt_position *position, const char *run_dir, const char *name, struct rt_error *err)
{
    struct rt_json *json = NULL;
    char path[RT_PATH_MAX], *bytes = NULL;
    size_t size;
    int rc;

    RT_TRY(rt_path_join(path, run_dir, name, err));
    RT_TRY(rt_entry_read(run_dir, name, POSITION_MAX_BYTES, &bytes, &size, err));
    rc = rt_json_parse(&json, path, bytes, size, err);
    rc = rc ? rc : read_position(position, json, path, err);
    rt_json_free(&json);
    rt_free(&bytes);
    return rc;
}

int rt_link_load(struct rt_link *link, struct rt_error *err)
{
    struct rt_position position = {.step = -1};
    char name[64];

    position_name(name, link->service);
    if (rt_entry_look(link->run_dir, name) != RT_ENTRY_NONE)
        RT_TRY(read_file(&position, link->run_dir, name, err));
    link->position = position;
    link->doubtful = *position.run != '\0'; /* the process may have ended between an answer and this file */
    return RT_OK;
}

int rt_link_save(const struct rt_link *link, struct rt_error *err)
{
    const struct rt_position *position = &link->position;
    struct rt_json *json = NULL;
    char name[64], path[RT_PATH_MAX];
    int rc;

    position_name(name, link->service);
    RT_TRY(rt_entry_path(path, link->run_dir, name, err));
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

static void blot_word(char *text, const char *word)
{
    const size_t size = strlen(word);
    size_t length;
    char *found;

    if (size < SECRET_LEAST)
        return;
    while ((found = strstr(text, word)))
        memset(found, '*', size);
    length = strlen(text);
    if (length > 3 && !strcmp(text + length - 3, "...")) /* where a message was cut */
        length -= 3;
    for (size_t n = size - 1 < length ? size - 1 : length; n >= SECRET_LEAST; n--)
        if (!memcmp(text + length - n, word, n)) {
            memset(text + length - n, '*', n);
            return;
        }
}

void rt_link_blot(const struct rt_link *link, char *text)
{
    for (size_t i = 0; i < RT_SECRETS && text; i++) {
        struct rt_text encoded = {0};

        if (!link->secrets[i])
            continue;
        blot_word(text, link->secrets[i]);
        rt_http_escape(&encoded, link->secrets[i]);
        blot_word(text, rt_text_string(&encoded));
        if (encoded.bytes)
            explicit_bzero(encoded.bytes, encoded.length);
        rt_text_free(&encoded);
    }
}

int rt_link_copy_id(struct rt_link *link, char out[RT_ID_MAX], const char *what, const char *id,
                    struct rt_error *err)
{
    bool good = *id && strlen(id) < RT_ID_MAX && is_id(id);

    for (size_t i = 0; i < RT_SECRETS; i++)
        if (link->secrets[i] && strlen(link->secrets[i]) >= SECRET_LONG && strstr(id, link->secrets[i]))
            good = false;
    if (!good)
        return rt_link_fail(link, err, "the %s is no name that %s gives", what, link->service->title);
    return rt_copy_text(out, RT_ID_MAX, id) ? RT_OK : RT_EIO;
}

static bool is_transient(int status)
{
    return status == 408 || status == 429 || (status >= 500 && status <= 599 && status != 501);
}

/* What the service says of the failure: {"message" or "msg": ..., "error_code": ...}. */
static void read_complaint(struct rt_link *link, const struct rt_http_answer *answer, char *said, size_t size)
{
    struct rt_json *json = NULL;
    char whole[2048] = "";
    const char *text;

    *said = *link->code = '\0';
    if (answer->body && !rt_json_parse(&json, "answer", answer->body, answer->size, NULL)) {
        if (!rt_json_get_text(json, "", "error_code", &text, NULL))
            snprintf(link->code, sizeof link->code, "%s", text);
        if (!rt_json_get_text(json, "", "message", &text, NULL) ||
            !rt_json_get_text(json, "", "msg", &text, NULL))
            snprintf(whole, sizeof whole, "%s", text);
        rt_json_free(&json);
    }
    rt_link_blot(link, whole);
    if (*whole)
        snprintf(said, size, ": %.200s", whole);
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

/* A request without a whole answer. */
static void judge_outcome(struct rt_link *link, enum rt_http_outcome outcome)
{
    const bool pointless = outcome == RT_HTTP_REFUSED || outcome == RT_HTTP_OVERLONG;

    link->failure = pointless ? RT_LINK_FINAL : RT_LINK_RETRY;
    link->unreached = outcome == RT_HTTP_UNREACHED;
    if (outcome == RT_HTTP_LOST || outcome == RT_HTTP_STOPPED || outcome == RT_HTTP_OVERLONG)
        link->doubtful = true;
}

/* The fault's place and text are left out: they quote the answer, which may quote the key. */
static int read_answer(struct rt_link *link, const struct rt_http_request *request,
                       const struct rt_http_answer *answer, struct rt_json **json, struct rt_error *err)
{
    char shown[512];

    if (!rt_json_parse(json, "answer", answer->body, answer->size, NULL))
        return RT_OK;
    return rt_link_fail(link, err, "%s answers with %zu bytes that cannot be read as JSON; is it %s's?",
                        rt_http_shown(request->url, shown, sizeof shown), answer->size, link->service->title);
}

int rt_link_call(struct rt_link *link, const struct rt_http_request *request, struct rt_json **answer_json,
                 struct rt_error *err)
{
    struct rt_http_answer answer;
    int rc;

    link->status = 0;
    link->retry_after_s = 0;
    link->unreached = false;
    *link->code = '\0';
    rc = rt_http_send(link->http, request, &answer, err);
    link->status = answer.status;
    if (rc) {
        judge_outcome(link, answer.outcome);
        if (err)
            rt_link_blot(link, err->message);
    } else {
        rc = judge_status(link, request, &answer, err);
    }
    if (!rc && answer_json && answer.size) {
        rc = read_answer(link, request, &answer, answer_json, err);
    }
    rt_http_answer_free(&answer);
    return rc;
}
