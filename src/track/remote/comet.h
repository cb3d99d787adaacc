/* What Comet's files share, each using only those before it: comet_settings.c, comet_calls.c, comet_run.c
 * (finding, making and describing the experiment), comet.c (metrics, the end, the service). */
#ifndef RT_TRACK_COMET_H
#define RT_TRACK_COMET_H

#include "track/remote/link.h"

/* The series of which the last stored step is known: the metrics (config/metrics.h), then those of the
 * threshold and the end. X(symbol, name, context) */
#define RT_COMET_SERIES(X)                                                                                     \
    X(error, "error", "test")                                                                                  \
    X(time_to_overfit, "time_to_overfit", "")                                                                  \
    X(epochs_to_overfit, "epochs_to_overfit", "")                                                              \
    X(label_corruption, "label_corruption", "")                                                                \
    X(runtime, "runtime", "")

enum rt_comet_series {
#define RT_COMET_ENUM(symbol, ...) RT_COMET_##symbol,
    RT_METRICS(RT_COMET_ENUM) RT_COMET_SERIES(RT_COMET_ENUM)
#undef RT_COMET_ENUM
        RT_COMET_SERIES_COUNT
};

enum { RT_COMET_UNKNOWN = -2, RT_COMET_NONE = -1 };

struct rt_comet {
    char base[RT_URL_MAX]; /* https://www.comet.com */
    char key[RT_SECRET_MAX], authorization[RT_SECRET_MAX + 32];
    char workspace[RT_TEXT_MAX], project[RT_TEXT_MAX]; /* workspace "": the account's own */
    int64_t last[RT_COMET_SERIES_COUNT];               /* step of the last value stored, or one of the above */
    double called_at_s;
};

/* ---- comet_settings.c */
int rt_comet_open(struct rt_link *link, const char *project, struct rt_error *err);
void rt_comet_close(struct rt_link *link);

/* ---- comet_calls.c. Paths are those behind /api/rest/v2. */

/* `query` is the encoded rest of the URL, or ""; timeout_s 0: the usual one. */
int rt_comet_get(struct rt_link *link, const char *path, const char *query, double timeout_s,
                 struct rt_json **answer, struct rt_error *err);
/* The same, beginning with the run's experimentKey; `more` is "" or "&NAME=VALUE". */
int rt_comet_get_of_run(struct rt_link *link, const char *path, const char *more, double timeout_s,
                        struct rt_json **answer, struct rt_error *err);
int rt_comet_post(struct rt_link *link, const char *path, const struct rt_json *body, struct rt_json **answer,
                  struct rt_error *err);
/* A body that begins with the run's experimentKey. */
int rt_comet_begin_body(const struct rt_link *link, struct rt_json **body, struct rt_error *err);
/* Posts the body unless `rc`, the outcome of filling it, is an error; frees it. */
int rt_comet_post_and_free(struct rt_link *link, const char *path, int rc, struct rt_json **body,
                           struct rt_error *err);
int rt_comet_post_other(struct rt_link *link, const char *key, const char *value, int64_t at_ms,
                        struct rt_error *err);
int rt_comet_post_time(struct rt_link *link, const char *key, int64_t at_ms, struct rt_error *err);

/* ---- comet_run.c */
int rt_comet_start(struct rt_link *link, const struct rt_spool_record *record, struct rt_error *err);

#endif
