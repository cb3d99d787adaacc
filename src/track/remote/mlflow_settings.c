#include <stdio.h>
#include <string.h>

#include "base/memory.h"
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

/* The address in the environment, else the one that the run was sent to before. */
static int read_address(struct rt_mlflow *own, const struct rt_link *link, struct rt_error *err)
{
    const char *known = link->position.url, *uri = rt_setting_env("MLFLOW_TRACKING_URI");

    if (!uri && !*known)
        return rt_fail(err, RT_ECONFIG,
                       "MLFLOW_TRACKING_URI is not set; it names the server, http://HOST:5000");
    RT_TRY(rt_setting_copy(own->base, sizeof own->base, "MLFLOW_TRACKING_URI", uri ? uri : known, err));
    if (strncmp(own->base, "http://", 7) && strncmp(own->base, "https://", 8))
        return rt_fail(
            err, RT_ECONFIG,
            "MLFLOW_TRACKING_URI names no server; expected http:// or https://, as other stores (file:, "
            "sqlite:, databricks) need MLflow's own client");
    RT_TRY(rt_setting_split_url("MLFLOW_TRACKING_URI", own->base, own->user, own->password, sizeof own->user,
                                err));
    if (*known && strcmp(known, own->base))
        return rt_fail(
            err, RT_ECONFIG,
            "the run is at %s, not at %s; set MLFLOW_TRACKING_URI to the first, or remove %s/mlflow.json to "
            "send the whole run to the second",
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

int rt_mlflow_open(struct rt_link *link, const char *project, struct rt_error *err)
{
    const char *name = rt_setting_env("MLFLOW_EXPERIMENT_NAME");
    struct rt_mlflow *own;

    RT_TRY(rt_alloc(&own, 1, sizeof *own, "MLflow's settings", err));
    link->own = own;
    RT_TRY(read_address(own, link, err));
    RT_TRY(read_user(own, err));
    link->secrets[0] = own->password;
    link->secrets[1] = own->token;
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
