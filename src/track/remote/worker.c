#include "track/remote/worker.h"

#include <pthread.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/task.h"
#include "track/remote/settings.h"

#define BACKOFF_FIRST_S 1.0
#define BACKOFF_MAX_S 60.0
#define RETRY_AFTER_MAX_S 600.0
#define WAIT_WHEN_FAILING_S 2.0 /* at the end, for a service that did not answer last time */

enum { NICE = 10 };

struct rt_worker {
    struct rt_sender sender; /* the thread's own */
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed; /* whatever is below */
    int64_t told;           /* records announced */
    char run_name[RT_ID_MAX];
    bool closing, failing, done;
    bool abandoned;          /* the time is over */
    double closed_s, wait_s; /* closing: since when; how long at most */
    bool wait_is_set;        /* ... by RETHINK_TRACK_WAIT_S, failing or not */
};

static struct timespec moment(double wall_s)
{
    return (struct timespec){.tv_sec = (time_t)wall_s,
                             .tv_nsec = (long)((wall_s - (double)(time_t)wall_s) * 1e9)};
}

/* ---- the thread */

static void report_trouble(struct rt_worker *worker, const struct rt_error *err, bool *warned)
{
    const struct rt_link *link = &worker->sender.link;

    if (*warned) {
        rt_log_note("%s: %s", link->service->title, err->message);
        return;
    }
    *warned = true;
    rt_log_warn("%s: %s; training continues, and unsent records are kept in %s/" RT_SPOOL_NAME,
                link->service->title, err->message, link->run_dir);
}

/* With the mutex held: waits until there is something to do, but not past `until_s`. */
static void wait_for_work(struct rt_worker *worker, int64_t seen, double until_s)
{
    const bool was_closing = worker->closing;

    while (!worker->abandoned && worker->told == seen && worker->closing == was_closing &&
           rt_clock_wall_s() < until_s) {
        const struct timespec until = moment(until_s);

        pthread_cond_timedwait(&worker->changed, &worker->mutex, &until);
    }
}

/* With the mutex held: waits before another attempt, until the pause is over or there is no time for it. */
static void wait_for_retry(struct rt_worker *worker, double pause_s)
{
    const bool was_closing = worker->closing;
    const double until_s = rt_clock_wall_s() + pause_s;
    const struct timespec until = moment(until_s);

    while (!worker->abandoned && worker->closing == was_closing && rt_clock_wall_s() < until_s)
        pthread_cond_timedwait(&worker->changed, &worker->mutex, &until);
}

static double next_pause(const struct rt_link *link, double *backoff_s)
{
    double pause_s = *backoff_s;

    *backoff_s = *backoff_s * 2 < BACKOFF_MAX_S ? *backoff_s * 2 : BACKOFF_MAX_S;
    if (link->retry_after_s > pause_s)
        pause_s = link->retry_after_s < RETRY_AFTER_MAX_S ? link->retry_after_s : RETRY_AFTER_MAX_S;
    return pause_s;
}

static double next_beat_s(const struct rt_sender *sender)
{
    const double far_s = rt_clock_wall_s() + 3600;

    return sender->link.service->beat && *sender->link.position.run ? sender->beat_due_s : far_s;
}

static bool is_over(struct rt_worker *worker, int64_t seen, int rc)
{
    const bool all_sent = !rc && worker->closing && worker->told == seen;

    return all_sent || worker->abandoned || (rc && worker->sender.link.failure == RT_LINK_FINAL);
}

static void run(struct rt_worker *worker)
{
    double backoff_s = BACKOFF_FIRST_S;
    bool warned = false;

    for (;;) {
        struct rt_error err;
        int64_t seen;
        int rc;

        pthread_mutex_lock(&worker->mutex);
        seen = worker->told;
        pthread_mutex_unlock(&worker->mutex);
        rc = rt_sender_pass(&worker->sender, &err);
        pthread_mutex_lock(&worker->mutex);
        worker->failing = rc != 0;
        pthread_cond_broadcast(&worker->changed);
        rt_copy_text(worker->run_name, sizeof worker->run_name, worker->sender.link.position.run);
        if (rc && !worker->abandoned)
            report_trouble(worker, &err, &warned);
        if (is_over(worker, seen, rc))
            return; /* with the mutex held */
        if (rc) {
            wait_for_retry(worker, next_pause(&worker->sender.link, &backoff_s));
        } else {
            backoff_s = BACKOFF_FIRST_S;
            wait_for_work(worker, seen, next_beat_s(&worker->sender));
        }
        pthread_mutex_unlock(&worker->mutex);
    }
}

static void *thread_main(void *context)
{
    struct rt_worker *worker = context;

    setpriority(PRIO_PROCESS, (id_t)gettid(), NICE); /* on Linux: this thread's only */
    run(worker);
    worker->done = true;
    pthread_cond_broadcast(&worker->changed);
    pthread_mutex_unlock(&worker->mutex);
    return NULL;
}

/* ---- the training thread's side */

static int start_thread(struct rt_worker *worker, struct rt_error *err)
{
    pthread_condattr_t monotonic;
    int failed;

    pthread_mutex_init(&worker->mutex, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&worker->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    failed = rt_thread_start(&worker->thread, thread_main, worker);
    if (!failed)
        return RT_OK;
    pthread_mutex_destroy(&worker->mutex);
    pthread_cond_destroy(&worker->changed);
    return rt_fail_errno(err, RT_EMEMORY, failed, "cannot start the thread that sends to %s",
                         worker->sender.link.service->title);
}

int rt_worker_start(struct rt_worker **out, const struct rt_service *service, const char *run_dir,
                    const char *project, struct rt_error *err)
{
    struct rt_worker *worker;
    int rc;

    *out = NULL;
    RT_TRY(rt_alloc(&worker, 1, sizeof *worker, "a sender", err));
    rc = rt_sender_open(&worker->sender, service, run_dir, project, err);
    rc = rc ? rc : start_thread(worker, err);
    if (rc) {
        rt_sender_close(&worker->sender);
        rt_free(&worker);
        return rc;
    }
    *out = worker;
    return RT_OK;
}

void rt_worker_tell(struct rt_worker *worker)
{
    pthread_mutex_lock(&worker->mutex);
    worker->told++;
    pthread_cond_broadcast(&worker->changed);
    pthread_mutex_unlock(&worker->mutex);
}

void rt_worker_run_name(struct rt_worker *worker, char name[RT_ID_MAX])
{
    pthread_mutex_lock(&worker->mutex);
    rt_copy_text(name, RT_ID_MAX, worker->run_name);
    pthread_mutex_unlock(&worker->mutex);
}

/* Sets how long closing may take. */
static void set_wait(struct rt_worker *worker, double wait_s)
{
    const char *given = rt_setting_env("RETHINK_TRACK_WAIT_S");
    double seconds;
    char rest;

    worker->wait_is_set =
        given && sscanf(given, "%lf%c", &seconds, &rest) == 1 && seconds >= 0 && seconds <= 86400;
    worker->wait_s = worker->wait_is_set ? seconds : wait_s;
}

/* When closing ends: earlier while sending fails, which the thread may find out only after it has begun. */
static double deadline_s(const struct rt_worker *worker)
{
    const bool soon = worker->failing && !worker->wait_is_set && worker->wait_s > WAIT_WHEN_FAILING_S;

    return worker->closed_s + (soon ? WAIT_WHEN_FAILING_S : worker->wait_s);
}

void rt_worker_close(struct rt_worker *worker, double wait_s)
{
    pthread_mutex_lock(&worker->mutex);
    if (!worker->closing) {
        worker->closing = true;
        worker->closed_s = rt_clock_wall_s();
        set_wait(worker, wait_s);
        pthread_cond_broadcast(&worker->changed);
    }
    pthread_mutex_unlock(&worker->mutex);
}

void rt_worker_free(struct rt_worker **out, int64_t *sent)
{
    struct rt_worker *worker = *out;

    rt_worker_close(worker, 0);
    pthread_mutex_lock(&worker->mutex);
    while (!worker->done && rt_clock_wall_s() < deadline_s(worker)) {
        const struct timespec until = moment(deadline_s(worker));

        pthread_cond_timedwait(&worker->changed, &worker->mutex, &until);
    }
    if (!worker->done) {
        worker->abandoned = true;
        rt_http_stop(worker->sender.link.http, true);
        pthread_cond_broadcast(&worker->changed);
    }
    pthread_mutex_unlock(&worker->mutex);
    pthread_join(worker->thread, NULL);
    *sent = worker->sender.link.position.sent;
    rt_sender_close(&worker->sender);
    pthread_cond_destroy(&worker->changed);
    pthread_mutex_destroy(&worker->mutex);
    rt_free(out);
}
