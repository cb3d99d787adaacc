/* What MLflow's files share, each using only those before it: mlflow_settings.c, mlflow_calls.c, mlflow_run.c
 * (experiment, run, parent), mlflow_files.c, mlflow.c (points, the end, the service). */
#ifndef RT_TRACK_MLFLOW_H
#define RT_TRACK_MLFLOW_H

#include "track/remote/link.h"
#include "track/remote/sender.h"

/* The server takes 1,000 values at once: the metrics of a point, its epoch and learning rate. */
enum {
    RT_MLFLOW_FIT = 1000 / (RT_METRIC_COUNT + 2),
    RT_MLFLOW_POINTS_MAX = RT_MLFLOW_FIT < RT_SENDER_POINTS_MAX ? RT_MLFLOW_FIT : RT_SENDER_POINTS_MAX
};

struct rt_mlflow {
    char base[RT_URL_MAX]; /* without a slash at its end */
    char user[RT_SECRET_MAX], password[RT_SECRET_MAX], token[RT_SECRET_MAX];
    char authorization[RT_SECRET_MAX + 32];
    char basic[3 * RT_SECRET_MAX];  /* user:password in base 64 */
    char experiment[RT_SECRET_MAX]; /* name */
    const char *ca_file, *key_file;
    bool unverified;
    double timeout_s;
    struct rt_json *stored; /* what the server said of the run when it was last asked, or null */
};

/* ---- mlflow_settings.c */
int rt_mlflow_open(struct rt_link *link, const char *project, struct rt_error *err);
void rt_mlflow_close(struct rt_link *link);
/* A run's artifact_uri as it may be kept and shown: without user, password and query, and without the host
 * where the server itself takes the files. "": there is none, or too long a one. */
#define RT_MLFLOW_PROXIED "mlflow-artifacts:/"
void rt_mlflow_clean_root(const char *uri, char root[RT_URL_MAX]);

/* ---- mlflow_calls.c */
void rt_mlflow_fill_request(const struct rt_link *link, struct rt_http_request *request);
int rt_mlflow_get(struct rt_link *link, const char *path, const char *key, const char *value,
                  struct rt_json **answer, struct rt_error *err);
/* Frees *body, also on error. */
int rt_mlflow_post(struct rt_link *link, const char *path, struct rt_json **body, struct rt_json **answer,
                   struct rt_error *err);

/* ---- mlflow_run.c: makes the run (or finds the one that an unanswered call made) with parameters and tags. */
int rt_mlflow_create_run(struct rt_link *link, const struct rt_spool_record *start, struct rt_error *err);

/* ---- mlflow_files.c */

/* Uploads config, result, metrics, sample grid and the checkpoint's model where the server takes files. */
int rt_mlflow_send_files(struct rt_link *link, const char *checkpoint, struct rt_error *err);

#endif
