#include "track/remote/sync.h"

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
