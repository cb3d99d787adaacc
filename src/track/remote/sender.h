/* Sends the records that the spool has for one service, in order, and stores the position, from which the next
 * session or `rethink sync` continues. For one thread at a time. */
#ifndef RT_TRACK_SENDER_H
#define RT_TRACK_SENDER_H

#include "base/error.h"
#include "track/remote/service.h"
#include "track/remote/spool.h"

enum { RT_SENDER_POINTS_MAX = 150 };

struct rt_sender {
    struct rt_link link;
    struct rt_spool_reader reader;
    struct rt_spool_record next; /* read, not yet sent */
    bool has_next;
    struct rt_service_point points[RT_SENDER_POINTS_MAX]; /* likewise, and before `next` */
    int point_count;
    int64_t sent_points; /* by this sender */
    int64_t damaged;     /* lines of the spool that were left out */
    double saved_at_s, beat_due_s;
    bool unsaved;
};

/* RT_ECONFIG: the service is not set up; the message says what is missing. Close it also after an error. */
int rt_sender_open(struct rt_sender *sender, const struct rt_service *service, const char *run_dir,
                   const char *project, struct rt_error *err);
void rt_sender_close(struct rt_sender *sender);

/* Sends all records in the spool, with a heartbeat in between when one is due (sender->beat_due_s). After an
 * error sender->link.failure says whether retrying may help; nothing is sent twice. */
int rt_sender_pass(struct rt_sender *sender, struct rt_error *err);

/* Writes the position to the disk if it has changed. */
int rt_sender_save(struct rt_sender *sender, struct rt_error *err);

#endif
