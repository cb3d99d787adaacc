#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "track/remote/comet.h"

/* 12,000 metrics and 10,000 parameters a minute are allowed: one call in 6 ms keeps both. */
#define PACE_S 0.006

enum { ANSWER_MAX = 16 << 20 }; /* all values of a metric come at once: 100,000 points */

static void keep_pace(struct rt_comet *own)
{
    const double wait_s = own->called_at_s + PACE_S - rt_clock_wall_s();

    if (wait_s > 0)
        rt_clock_sleep_s(wait_s);
    own->called_at_s = rt_clock_wall_s();
}

int rt_comet_get(struct rt_link *link, const char *path, const char *query, double timeout_s,
                 struct rt_json **answer, struct rt_error *err)
{
    struct rt_comet *own = link->own;
    struct rt_http_request request = {
        .secret = true, .headers = {own->authorization}, .timeout_s = timeout_s, .answer_max = ANSWER_MAX};
    char url[2 * RT_URL_MAX];

    keep_pace(own);
    snprintf(url, sizeof url, "%s/api/rest/v2%s%s%s", own->base, path, *query ? "?" : "", query);
    request.url = url;
    return rt_link_call(link, &request, answer, err);
}

int rt_comet_get_of_run(struct rt_link *link, const char *path, const char *more, double timeout_s,
                        struct rt_json **answer, struct rt_error *err)
{
    struct rt_text query = {0};
    int rc;

    rt_text_append(&query, "experimentKey=");
    rt_http_escape(&query, link->position.run);
    rt_text_append(&query, more);
    rc = rt_text_check(&query, err);
    rc = rc ? rc : rt_comet_get(link, path, rt_text_string(&query), timeout_s, answer, err);
    rt_text_free(&query);
    return rc;
}

int rt_comet_post(struct rt_link *link, const char *path, const struct rt_json *body, struct rt_json **answer,
                  struct rt_error *err)
{
    struct rt_comet *own = link->own;
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

int rt_comet_begin_body(const struct rt_link *link, struct rt_json **body, struct rt_error *err)
{
    RT_TRY(rt_json_object(body, err));
    return rt_json_set_text(*body, "experimentKey", link->position.run, err);
}

int rt_comet_post_and_free(struct rt_link *link, const char *path, int rc, struct rt_json **body,
                           struct rt_error *err)
{
    rc = rc ? rc : rt_comet_post(link, path, *body, NULL, err);
    rt_json_free(body);
    return rc;
}

int rt_comet_post_other(struct rt_link *link, const char *key, const char *value, int64_t at_ms,
                        struct rt_error *err)
{
    struct rt_json *body = NULL;
    int rc;

    (void)((rc = rt_comet_begin_body(link, &body, err)) || (rc = rt_json_set_text(body, "key", key, err)) ||
           (rc = rt_json_set_text(body, "value", value, err)) ||
           (rc = rt_json_set_integer(body, "timestamp", at_ms, err)));
    return rt_comet_post_and_free(link, "/write/experiment/log-other", rc, &body, err);
}

int rt_comet_post_time(struct rt_link *link, const char *key, int64_t at_ms, struct rt_error *err)
{
    struct rt_json *body = NULL;
    int rc;

    (void)((rc = rt_comet_begin_body(link, &body, err)) || (rc = rt_json_set_integer(body, key, at_ms, err)));
    return rt_comet_post_and_free(link, "/write/experiment/set-start-end-time", rc, &body, err);
}
