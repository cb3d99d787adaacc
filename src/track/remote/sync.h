/* Sends later what a run's services have not got: `rethink sync`. */
#ifndef RT_TRACK_SYNC_H
#define RT_TRACK_SYNC_H

#include <stdbool.h>

#include "base/error.h"
#include "track/remote/service.h"

struct rt_sync_report {
    bool followed;       /* the run was recorded for the service */
    int64_t sent_points; /* now */
    int64_t left_points; /* after an error */
    bool unreached;      /* the service never got a request */
    char run[RT_ID_MAX]; /* the run's name at the service, "" when it has none */
};

/* Sends all that the run's spool holds for the service, each point once, and that it has ended, also where it
 * died and left no record of it; tries again where that may help: for half a minute where the service has
 * answered, for three seconds where it cannot be reached at all, and not at all where it was `down`, that is
 * unreached by the caller's run before. The caller holds the run's lock. RT_ECONFIG: not set up; RT_EIO. The
 * report is filled in also after an error. */
int rt_sync_run(const struct rt_service *service, const char *run_dir, const char *project, bool down,
                struct rt_sync_report *report, struct rt_error *err);

#endif
