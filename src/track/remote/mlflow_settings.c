#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/utf8.h"
#include "track/remote/mlflow.h"
#include "track/remote/settings.h"

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

/* user:password in base 64, as it goes over the line: a server may quote that, too. */
static void encode_basic(struct rt_mlflow *own)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char pair[2 * RT_SECRET_MAX + 3] = "", *out = own->basic;
    const size_t length =
        *own->user ? (size_t)snprintf(pair, sizeof pair, "%s:%s", own->user, own->password) : 0;

    for (size_t i = 0; i < length; i += 3) {
        const unsigned int bits = (unsigned int)(unsigned char)pair[i] << 16 |
                                  (unsigned int)(unsigned char)pair[i + 1] << 8 | (unsigned char)pair[i + 2];

        *out++ = digits[bits >> 18];
        *out++ = digits[bits >> 12 & 63];
        *out++ = i + 1 < length ? digits[bits >> 6 & 63] : '=';
        *out++ = i + 2 < length ? digits[bits & 63] : '=';
    }
    *out = '\0';
    explicit_bzero(pair, sizeof pair);
}

/* The address in the environment. Where the run was sent before only says whether it is the same one: a run's
 * folder may be a stranger's. */
static int read_address(struct rt_mlflow *own, const struct rt_link *link, struct rt_error *err)
{
    const char *known = link->position.url, *uri = rt_setting_env("MLFLOW_TRACKING_URI");

    if (!uri && !*known)
        return rt_fail(err, RT_ECONFIG,
                       "MLFLOW_TRACKING_URI is not set; it names the server, http://HOST:5000");
    if (!uri)
        return rt_fail(
            err, RT_ECONFIG,
            "MLFLOW_TRACKING_URI is not set; the run was sent to %s: set it to that, if the server is yours",
            known);
    RT_TRY(rt_setting_copy(own->base, sizeof own->base, "MLFLOW_TRACKING_URI", uri, err));
    if (strncmp(own->base, "http://", 7) && strncmp(own->base, "https://", 8))
        return rt_fail(
            err, RT_ECONFIG,
            "MLFLOW_TRACKING_URI names no server; expected http:// or https://, as other stores (file:, "
            "sqlite:, databricks) need MLflow's own client");
    RT_TRY(rt_setting_split_url("MLFLOW_TRACKING_URI", own->base, own->user, own->password, sizeof own->user,
                                err));
    if (*known && strcmp(known, own->base))
        return rt_fail(err, RT_ECONFIG,
                       "the run was sent to %s, not to %s; set MLFLOW_TRACKING_URI to the first if that server "
                       "is yours, or remove %s/mlflow.json to send the whole run to the second",
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

void rt_mlflow_clean_root(const char *uri, char root[RT_URL_MAX])
{
    const char *path = uri + strlen("mlflow-artifacts:");

    *root = '\0';
    if (!strncmp(uri, RT_MLFLOW_PROXIED, strlen(RT_MLFLOW_PROXIED))) {
        if (!strncmp(path, "//", 2)) /* mlflow-artifacts://HOST/root names the same server */
            path += 2 + strcspn(path + 2, "/");
        if (snprintf(root, RT_URL_MAX, "mlflow-artifacts:%s", path) >= RT_URL_MAX)
            *root = '\0';
    } else if (strstr(uri, "://")) {
        rt_http_shown(uri, root, RT_URL_MAX);
    } else {
        rt_copy_text(root, RT_URL_MAX, uri);
    }
    rt_utf8_make_plain(root);
}

int rt_mlflow_open(struct rt_link *link, const char *project, struct rt_error *err)
{
    const char *name = rt_setting_env("MLFLOW_EXPERIMENT_NAME");
    struct rt_mlflow *own;
    char root[RT_URL_MAX];

    RT_TRY(rt_alloc(&own, 1, sizeof *own, "MLflow's settings", err));
    link->own = own;
    RT_TRY(read_address(own, link, err));
    snprintf(root, sizeof root, "%s", link->position.root);
    rt_mlflow_clean_root(root, link->position.root);
    RT_TRY(read_user(own, err));
    link->secrets[0] = own->password;
    link->secrets[1] = own->token;
    encode_basic(own);
    link->secrets[2] = own->basic;
    name = name ? name : *project ? project : "rethink";
    RT_TRY(rt_setting_copy(own->experiment, sizeof own->experiment, "the experiment's name", name, err));
    own->ca_file = rt_setting_env("MLFLOW_TRACKING_SERVER_CERT_PATH");
    own->key_file = rt_setting_env("MLFLOW_TRACKING_CLIENT_CERT_PATH");
    own->unverified = rt_setting_env_true("MLFLOW_TRACKING_INSECURE_TLS");
    own->timeout_s = read_timeout();
    return RT_OK;
}

void rt_mlflow_close(struct rt_link *link)
{
    struct rt_mlflow *own = link->own;

    rt_json_free(&own->stored);
    explicit_bzero(own, sizeof *own);
    rt_free(&link->own);
}
