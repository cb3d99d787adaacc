/* The recorder of a remote service. Training appends lines to the spool; a thread of the recorder sends them. A
 * service that is slow, unreachable or refuses requests costs one warning, never a step. */
#ifndef RT_TRACK_REMOTE_H
#define RT_TRACK_REMOTE_H

#include "track/recorder.h"
#include "track/remote/service.h"

int rt_remote_start(struct rt_recorder **recorder, const struct rt_service *service,
                    const struct rt_run_info *info, struct rt_error *err);
int rt_remote_log(struct rt_recorder *recorder, const struct rt_log_point *point, struct rt_error *err);
int rt_remote_threshold(struct rt_recorder *recorder, const struct rt_outcome *outcome, struct rt_error *err);
int rt_remote_sync(struct rt_recorder *recorder, struct rt_error *err);
int rt_remote_checkpoint(struct rt_recorder *recorder, const char *path, int epoch, struct rt_error *err);
void rt_remote_keep(struct rt_recorder *recorder, struct rt_experiment *experiment);
int rt_remote_finish(struct rt_recorder *recorder, const struct rt_outcome *outcome, enum rt_status status,
                     struct rt_error *err);
/* Waits a bounded time for the rest to be sent and says what was not. */
void rt_remote_free(struct rt_recorder *recorder);

/* Defines rt_recorder_NAME, which sends to `static const struct rt_service NAME_service`. */
#define RT_REMOTE_RECORDER(name)                                                                               \
    static int name##_record(struct rt_recorder **recorder, const struct rt_run_info *info,                    \
                             struct rt_error *err)                                                             \
    {                                                                                                          \
        return rt_remote_start(recorder, &name##_service, info, err);                                          \
    }                                                                                                          \
    const struct rt_recorder_kind rt_recorder_##name = {                                                       \
        .service = &name##_service,                                                                            \
        .start = name##_record,                                                                                \
        .log = rt_remote_log,                                                                                  \
        .threshold = rt_remote_threshold,                                                                      \
        .sync = rt_remote_sync,                                                                                \
        .checkpoint = rt_remote_checkpoint,                                                                    \
        .keep = rt_remote_keep,                                                                                \
        .finish = rt_remote_finish,                                                                            \
        .free = rt_remote_free,                                                                                \
    }

#endif
