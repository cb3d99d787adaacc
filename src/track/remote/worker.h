/* The thread that sends for one recorder. */
#ifndef RT_TRACK_WORKER_H
#define RT_TRACK_WORKER_H

#include "track/remote/sender.h"

struct rt_worker;

/* Opens a sender and starts its thread. RT_ECONFIG: the service is not set up. *worker is null after an error.
 */
int rt_worker_start(struct rt_worker **worker, const struct rt_service *service, const char *run_dir,
                    const char *project, struct rt_error *err);

/* The spool has a record more. Never blocks for longer than a lock is held over a few instructions. */
void rt_worker_tell(struct rt_worker *worker);

/* The run's name at the service, "" as long as it has none. */
void rt_worker_run_name(struct rt_worker *worker, char name[RT_ID_MAX]);

/* No more records will come: from now on the thread has `wait_s` seconds (less if the service does not answer)
 * to send the rest. Calling it again changes nothing. */
void rt_worker_close(struct rt_worker *worker, double wait_s);

/* Waits at most that long and frees it. *sent is the number of the last record that was sent. */
void rt_worker_free(struct rt_worker **worker, int64_t *sent);

#endif
