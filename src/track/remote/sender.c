#include "track/remote/sender.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "track/remote/link.h"

#define SAVE_EVERY_S 1.0
#define BEAT_AGAIN_S 3.0 /* after one that failed */

int rt_sender_open(struct rt_sender *sender, const struct rt_service *service, const char *run_dir,
                   const char *project, struct rt_error *err)
{
    memset(sender, 0, sizeof *sender);
    sender->reader.fd = -1;
    RT_TRY(rt_link_open(&sender->link, service, run_dir, project, err));
    return rt_spool_reader_open(&sender->reader, run_dir, service->name, err);
}

void rt_sender_close(struct rt_sender *sender)
{
    struct rt_error err;

    if (rt_sender_save(sender, &err))
        rt_log_warn("%s", err.message);
    if (sender->damaged > 1)
        rt_log_warn("%s: %s: %" PRId64 " more damaged line%s left out", sender->link.service->title,
                    sender->reader.path, sender->damaged - 1, sender->damaged > 2 ? "s" : "");
    rt_spool_record_free(&sender->next);
    rt_spool_reader_close(&sender->reader);
    rt_link_close(&sender->link);
}

int rt_sender_save(struct rt_sender *sender, struct rt_error *err)
{
    if (!sender->unsaved)
        return RT_OK;
    sender->unsaved = false;
    sender->saved_at_s = rt_clock_wall_s();
    return rt_link_save(&sender->link, err);
}

/* The position need not be on the disk after each point: after a crash the service is asked what it has. */
static int save_sometimes(struct rt_sender *sender, struct rt_error *err)
{
    sender->unsaved = true;
    return rt_clock_wall_s() - sender->saved_at_s < SAVE_EVERY_S ? RT_OK : rt_sender_save(sender, err);
}

/* A number that may be missing (null) or not finite (a text). */
static double number_at(const struct rt_json *json, const char *key)
{
    const char *text;
    double value = NAN;

    if (!rt_json_get_text(json, "", key, &text, NULL))
        return *text == '-' ? -INFINITY : *text == 'I' ? INFINITY : NAN;
    if (rt_json_has(json, key) && rt_json_get_number(json, "", key, &value, NULL))
        return NAN;
    return value;
}

static void read_point(const struct rt_spool_record *record, struct rt_service_point *out)
{
    struct rt_log_point *point = &out->point;

    *out = (struct rt_service_point){.seq = record->seq, .at_ms = record->at_ms};
    point->step = rt_spool_whole(record, "step");
    point->epoch = (int)rt_spool_whole(record, "epoch");
    point->batch = (int)rt_spool_whole(record, "batch");
    point->batches = (int)rt_spool_whole(record, "batches");
    for (int i = 0; i < RT_METRIC_COUNT; i++)
        rt_metric_set(&rt_metrics[i], &point->scores, number_at(record->json, rt_metrics[i].name));
    point->learning_rate = number_at(record->json, "learning_rate");
}

/* Points that a killed session sent and the resumed one logged again, which makes them the same. */
static bool already_sent(const struct rt_sender *sender, const struct rt_service_point *point)
{
    return point->point.step <= sender->link.position.step ||
           (sender->point_count && point->point.step <= sender->points[sender->point_count - 1].point.step);
}

static int take_record(struct rt_sender *sender, struct rt_error *err)
{
    struct rt_service_point *point = &sender->points[sender->point_count];

    if (sender->next.type != RT_SPOOL_start && rt_spool_whole(&sender->next, "step") < 0)
        return rt_fail(err, RT_EDATA, "%s:%" PRId64 ": has no step", sender->reader.path, sender->reader.lines);
    if (sender->next.type != RT_SPOOL_point) {
        sender->has_next = true;
        return RT_OK;
    }
    if (rt_spool_whole(&sender->next, "epoch") < 0)
        return rt_fail(err, RT_EDATA, "%s:%" PRId64 ": has no epoch", sender->reader.path,
                       sender->reader.lines);
    read_point(&sender->next, point);
    if (!already_sent(sender, point))
        sender->point_count++;
    return RT_OK;
}

/* The first damaged line is named, the others are counted: there may be any number. */
static void note_damage(struct rt_sender *sender, const struct rt_error *damage)
{
    if (sender->damaged++ == 0)
        rt_log_warn("%s: %s; this line is left out", sender->link.service->title, damage->message);
}

/* Reads on until a batch of points is full or something else than a point follows. A damaged line costs itself
 * and a warning. */
static int fill(struct rt_sender *sender, struct rt_error *err)
{
    const int64_t after = sender->link.position.sent;
    bool got = true;

    while (got && !sender->has_next && sender->point_count < sender->link.service->points_max) {
        struct rt_error damage;
        int rc = rt_spool_read(&sender->reader, after, &sender->next, &got, &damage);

        if (!rc && got)
            rc = take_record(sender, &damage);
        if (rc == RT_EDATA)
            note_damage(sender, &damage);
        else if (rc)
            return rt_link_fail(&sender->link, err, "%s", damage.message);
        got = got || rc == RT_EDATA;
    }
    return RT_OK;
}

static int send_points(struct rt_sender *sender, struct rt_error *err)
{
    struct rt_position *position = &sender->link.position;
    const struct rt_service_point *last = &sender->points[sender->point_count - 1];

    RT_TRY(sender->link.service->points(&sender->link, sender->points, sender->point_count, err));
    position->sent = last->seq;
    position->step = last->point.step;
    position->part = 0;
    sender->sent_points += sender->point_count;
    sender->point_count = 0;
    return save_sometimes(sender, err);
}

static int send_next(struct rt_sender *sender, struct rt_error *err)
{
    const struct rt_service *service = sender->link.service;
    struct rt_position *position = &sender->link.position;

    if (sender->next.type == RT_SPOOL_start) {
        RT_TRY(service->start(&sender->link, &sender->next, err));
    } else if (sender->next.type == RT_SPOOL_threshold && !position->threshold) {
        RT_TRY(service->threshold(&sender->link, &sender->next, err));
        position->threshold = true;
    } else if (sender->next.type == RT_SPOOL_finish) {
        RT_TRY(service->finish(&sender->link, &sender->next, err));
    }
    position->sent = sender->next.seq;
    position->part = 0;
    sender->has_next = false;
    sender->unsaved = true;
    return rt_sender_save(sender, err);
}

/* A failed one is not worth a message: the next points will show it. */
static void beat_if_due(struct rt_sender *sender)
{
    const double now_s = rt_clock_wall_s();
    struct rt_link *link = &sender->link;
    double next_s = BEAT_AGAIN_S;

    if (!link->service->beat || !*link->position.run || now_s < sender->beat_due_s)
        return;
    link->service->beat(link, &next_s, NULL);
    sender->beat_due_s = rt_clock_wall_s() + next_s;
}

int rt_sender_pass(struct rt_sender *sender, struct rt_error *err)
{
    for (;;) {
        beat_if_due(sender);
        sender->link.failure = RT_LINK_FINAL; /* unless a call says otherwise */
        RT_TRY(fill(sender, err));
        if (sender->point_count)
            RT_TRY(send_points(sender, err));
        else if (sender->has_next)
            RT_TRY(send_next(sender, err));
        else
            return rt_sender_save(sender, err);
    }
}
