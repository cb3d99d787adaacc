/* Remote services (MLflow, Comet) behind one table: what the sender (track/remote/sender.h) needs to know about
 * each.
 *
 * A service is given the records of the spool in order, from one thread. Its functions block for as long as the
 * network does, and every failure is one of three: not set up (RT_ECONFIG from `open`), transient (to be
 * retried), or final for this session. */
#ifndef RT_TRACK_SERVICE_H
#define RT_TRACK_SERVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/http.h"
#include "base/json.h"
#include "base/path.h"
#include "track/recorder.h"
#include "track/remote/spool.h"

struct rt_service_point {
    int64_t seq, at_ms;
    struct rt_log_point point;
};

enum { RT_ID_MAX = 128, RT_URL_MAX = 1024, RT_SECRET_MAX = 512, RT_SECRETS = 3 };

/* What is known of the run at the service, kept in SERVICE.json in the run directory: nothing secret. */
struct rt_position {
    char url[RT_URL_MAX];  /* where it went, without user and password: nothing is ever sent there because of
                              this */
    char run[RT_ID_MAX];   /* MLflow's run id, Comet's experiment key; "": none yet */
    char root[RT_URL_MAX]; /* MLflow: where files go, without user and password; "": nowhere */
    int64_t sent;          /* number of the last record that was sent whole */
    int part;              /* how much of the next one was */
    int64_t step;          /* of the last point sent; -1: none */
    bool threshold;        /* the threshold was sent */
};

/* An open connection to a service, with what the functions share. */
struct rt_link {
    const struct rt_service *service;
    const char *run_dir;
    struct rt_http *http;
    struct rt_position position;
    void *own;                       /* the service's settings */
    const char *secrets[RT_SECRETS]; /* to be blotted out of messages; null: none */

    /* why the last call failed */
    enum rt_link_failure { RT_LINK_RETRY, RT_LINK_FINAL } failure;
    int status;    /* of HTTP; 0: no answer */
    char code[64]; /* the service's own name for it */
    double retry_after_s;
    bool unreached; /* the server did not get the request: nobody listens there, or its name is unknown */
    bool doubtful;  /* something sent before may have arrived although no answer said so: ask before sending
                       again */
};

struct rt_service {
    const char *name;  /* as in `to`, `--track` and NAME.json */
    const char *title; /* for people */
    int points_max;    /* taken at once */
    bool keyed;        /* the run's name there is the config's experiment_key */

    /* Reads the settings; nothing is sent. RT_ECONFIG says in one line what is missing and how to give it.
     * `project` is the config's. */
    int (*open)(struct rt_link *link, const char *project, struct rt_error *err);
    /* Finds or creates the run; continues the one in link->position.run if that is set. */
    int (*start)(struct rt_link *link, const struct rt_spool_record *record, struct rt_error *err);
    /* Sends points; link->position.part may keep count of a point's values. */
    int (*points)(struct rt_link *link, const struct rt_service_point *points, int count, struct rt_error *err);
    int (*threshold)(struct rt_link *link, const struct rt_spool_record *record, struct rt_error *err);
    int (*finish)(struct rt_link *link, const struct rt_spool_record *record, struct rt_error *err);
    /* Sign of life, or null; *next_s: when to call again. */
    int (*beat)(struct rt_link *link, double *next_s, struct rt_error *err);
    void (*close)(struct rt_link *link);
};

#endif
