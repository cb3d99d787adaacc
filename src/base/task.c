#include "base/task.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>

#include "base/clock.h"
#include "base/memory.h"

struct rt_task {
    struct rt_log *log;
    pthread_mutex_t mutex;
    struct member *members; /* its threads now */
    double left_s;          /* processor time of those that have left, while they were in it */
    atomic_uint said;       /* bit 1 << RT_REMARK_x */
};

/* A thread; when it works for a task, one in its list. */
struct member {
    struct rt_task *task;
    clockid_t clock;
    double entered_s; /* that clock when it entered */
    struct member *next, **link;
};

static _Thread_local struct member self;

static double seconds_of(clockid_t clock)
{
    struct timespec now;

    return clock_gettime(clock, &now) ? 0 : (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

int rt_task_create(struct rt_task **out, enum rt_log_level level, struct rt_error *err)
{
    struct rt_task *task;

    *out = NULL;
    RT_TRY(rt_alloc(&task, 1, sizeof *task, "a task", err));
    if (rt_log_create(&task->log, level, err)) {
        rt_free(&task);
        return RT_EMEMORY;
    }
    pthread_mutex_init(&task->mutex, NULL);
    *out = task;
    return RT_OK;
}

void rt_task_free(struct rt_task **held)
{
    struct rt_task *task = *held;

    if (!task)
        return;
    rt_log_free(&task->log);
    pthread_mutex_destroy(&task->mutex);
    rt_free(held);
}

static void leave(void)
{
    struct rt_task *task = self.task;

    if (!task)
        return;
    pthread_mutex_lock(&task->mutex);
    task->left_s += seconds_of(self.clock) - self.entered_s;
    *self.link = self.next;
    if (self.next)
        self.next->link = self.link;
    pthread_mutex_unlock(&task->mutex);
    self.task = NULL;
}

struct rt_task *rt_task_enter(struct rt_task *task)
{
    struct rt_task *before = self.task;

    leave();
    rt_log_use(task ? task->log : NULL);
    if (!task)
        return before;
    pthread_getcpuclockid(pthread_self(), &self.clock);
    self.entered_s = seconds_of(self.clock);
    self.task = task;
    pthread_mutex_lock(&task->mutex);
    self.next = task->members;
    self.link = &task->members;
    if (self.next)
        self.next->link = &self.next;
    task->members = &self;
    pthread_mutex_unlock(&task->mutex);
    return before;
}

bool rt_task_is_first(enum rt_task_remark remark)
{
    static atomic_uint said_outside;
    const unsigned bit = 1u << remark;

    return !(atomic_fetch_or(self.task ? &self.task->said : &said_outside, bit) & bit);
}

double rt_clock_cpu_s(void)
{
    struct rt_task *task = self.task;
    double seconds;

    if (!task)
        return seconds_of(CLOCK_PROCESS_CPUTIME_ID);
    pthread_mutex_lock(&task->mutex);
    seconds = task->left_s;
    for (const struct member *member = task->members; member; member = member->next)
        seconds += seconds_of(member->clock) - member->entered_s;
    pthread_mutex_unlock(&task->mutex);
    return seconds;
}

/* ---- threads ---- */

struct start {
    struct rt_task *task;
    void *(*work)(void *argument);
    void *argument;
};

static void *thread_main(void *argument)
{
    struct start *start = argument;
    const struct start copy = *start;

    void *result;

    rt_free(&start);
    rt_task_enter(copy.task);
    result = copy.work(copy.argument);
    rt_task_enter(NULL);
    return result;
}

int rt_thread_start(pthread_t *thread, void *(*work)(void *argument), void *argument)
{
    struct start *start;

    sigset_t all, old;
    int failed;

    if (rt_alloc(&start, 1, sizeof *start, "a thread", NULL))
        return ENOMEM;
    *start = (struct start){self.task, work, argument};
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    failed = pthread_create(thread, NULL, thread_main, start);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (failed)
        rt_free(&start);
    return failed;
}
