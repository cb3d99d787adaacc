#include "track/remote/sync.h"

#include <inttypes.h>

#include "base/clock.h"
#include "base/entry.h"
#include "base/log.h"
#include "base/memory.h"
#include "track/remote/sender.h"

#define RETRY_AFTER_MAX_S 120.0

/* Without progress in between; the pauses add up to half a minute, or to three seconds. */
enum { ATTEMPTS = 6, ATTEMPTS_UNREACHED = 3 };

static double pause_before(const struct rt_link *link, int attempt)
{
    const double pause_s = (double)(1 << (attempt - 1));

    if (link->retry_after_s <= pause_s)
        return pause_s;
    return link->retry_after_s < RETRY_AFTER_MAX_S ? link->retry_after_s : RETRY_AFTER_MAX_S;
}

static int send_all(struct rt_sender *sender, bool down, bool *unreached, struct rt_error *err)
{
    const struct rt_link *link = &sender->link;
    int64_t before = sender->link.position.sent;

    *unreached = true;
    for (int attempt = 1;; attempt++) {
        const int rc = rt_sender_pass(sender, err);

        if (!rc || link->failure == RT_LINK_FINAL || !link->unreached || link->position.sent > before)
            *unreached = false;
        if (!rc || link->failure == RT_LINK_FINAL)
            return rc;
        if (link->position.sent > before)
            attempt = 1;
        before = link->position.sent;
        if (attempt >= (!*unreached ? ATTEMPTS : down ? 1 : ATTEMPTS_UNREACHED))
            return rc;
        rt_log_detail("%s: %s; trying again", link->service->title, err->message);
        rt_clock_sleep_s(pause_before(link, attempt));
    }
}

/* The last record that counts, and the last point's place. */
struct last {
    bool any, ended;
    int64_t step, epoch;
};

static int find_last(struct last *last, const struct rt_service *service, const char *run_dir,
                     struct rt_error *err)
{
    struct rt_spool_reader reader;
    struct rt_spool_record record = {0};
    bool got = true;
    int rc;

    *last = (struct last){0};
    rc = rt_spool_reader_open(&reader, run_dir, service->name, err);
    while (!rc && got) {
        rc = rt_spool_read(&reader, 0, &record, &got, err);
        if (!rc && got) {
            last->any = true;
            last->ended = record.type == RT_SPOOL_finish;
            if (record.type == RT_SPOOL_point) {
                last->step = rt_spool_whole(&record, "step");
                last->epoch = rt_spool_whole(&record, "epoch");
            }
        }
        if (rc == RT_EDATA) { /* a damaged line, which sending names */
            rc = RT_OK;
            got = true;
        }
        rt_spool_record_free(&record);
    }
    rt_spool_reader_close(&reader);
    return rc;
}

/* A run that died (was killed, lost its machine) has left no record of its end, and nobody works on it now: one
 * is written for it, so that it does not run forever at the service. A session that resumes it goes on from
 * there. */
static int end_dead(const struct rt_service *service, const char *run_dir, struct rt_error *err)
{
    struct rt_text fields = {0};
    struct rt_spool spool;
    struct last last;
    int rc;

    RT_TRY(find_last(&last, service, run_dir, err));
    if (!last.any || last.ended)
        return RT_OK;
    rt_text_printf(&fields, "{\"step\":%" PRId64 ",\"status\":\"failed\",\"reason\":\"", last.step);
    if (last.epoch > 0)
        rt_text_printf(&fields, "died after step %" PRId64 ", in epoch %" PRId64 "\"}", last.step, last.epoch);
    else
        rt_text_append(&fields, "died before its first log point\"}");
    RT_TRY(rt_spool_open(&spool, run_dir, service->name, err));
    rc = rt_spool_append(&spool, RT_SPOOL_finish, rt_text_string(&fields), err);
    rt_spool_close(&spool);
    rt_text_free(&fields);
    return rc;
}

int rt_sync_run(const struct rt_service *service, const char *run_dir, const char *project, bool down,
                struct rt_sync_report *report, struct rt_error *err)
{
    struct rt_sender *sender = NULL;
    int64_t points, others;
    int rc;

    *report = (struct rt_sync_report){0};
    if (rt_entry_look(run_dir, RT_SPOOL_NAME) == RT_ENTRY_NONE)
        return RT_OK;
    RT_TRY(rt_spool_count(run_dir, service->name, 0, &points, &others, err));
    report->followed = points + others > 0;
    if (!report->followed)
        return RT_OK;
    RT_TRY(end_dead(service, run_dir, err));
    RT_TRY(rt_alloc(&sender, 1, sizeof *sender, "a sender", err));
    rc = rt_sender_open(sender, service, run_dir, project, err);
    rc = rc ? rc : send_all(sender, down, &report->unreached, err);
    report->sent_points = sender->sent_points;
    rt_spool_count(run_dir, service->name, sender->link.position.sent, &report->left_points, &others, NULL);
    rt_copy_text(report->run, sizeof report->run, sender->link.position.run);
    rt_sender_close(sender);
    rt_free(&sender);
    return rc;
}
