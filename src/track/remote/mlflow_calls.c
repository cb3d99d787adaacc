#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "track/remote/mlflow.h"

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
