#include "base/thread.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/memory.h"
#include "base/task.h"

enum { THREADS_MAX = 256, SPINS = 2000, YIELDS = 10000 };

/* A wait spins for a moment (a training step distributes work every few microseconds), then yields its core to
 * others for some milliseconds (a sleeping core takes long to wake, especially under a hypervisor), and then
 * sleeps on `changed`, so that an idle machine stays idle. On an oversubscribed machine it sleeps immediately:
 * the thread that it waits for needs the core, or the quota that spinning would use up. */
struct rt_team {
    int size, started;
    int cores, cores_in_all; /* for its members; for all threads of the process */
    void (*work)(void *context, int member);
    void *context;
    atomic_uint round;   /* number of the current rt_team_run */
    atomic_uint running; /* helpers that have not finished this round */
    atomic_bool stop;
    atomic_int arrived;    /* at the barrier */
    atomic_uint crossings; /* of the barrier */
    atomic_int sleepers;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    struct helper {
        struct rt_team *team;
        int member;
        pthread_t thread;
    } * helpers; /* [size - 1] */
};

/* Members of all teams of the process that have to wait for others. */
static atomic_int members;

static bool is_crowded(const struct rt_team *team)
{
    return team->size > team->cores ||
           atomic_load_explicit(&members, memory_order_relaxed) > team->cores_in_all;
}

static void pause_briefly(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/* Wakes sleeping threads after a counter has changed. */
static void announce(struct rt_team *team)
{
    if (!atomic_load(&team->sleepers))
        return;
    pthread_mutex_lock(&team->mutex);
    pthread_cond_broadcast(&team->changed);
    pthread_mutex_unlock(&team->mutex);
}

/* Returns when *counter is, or is no longer, `value`. */
static void await(struct rt_team *team, const atomic_uint *counter, unsigned value, bool is)
{
    for (int i = 0; i < SPINS + YIELDS; i++) {
        if ((atomic_load_explicit(counter, memory_order_acquire) == value) == is)
            return;
        if (is_crowded(team))
            break;
        if (i < SPINS)
            pause_briefly();
        else
            sched_yield();
    }
    pthread_mutex_lock(&team->mutex);
    atomic_fetch_add(&team->sleepers, 1);
    while ((atomic_load(counter) == value) != is)
        pthread_cond_wait(&team->changed, &team->mutex);
    atomic_fetch_sub(&team->sleepers, 1);
    pthread_mutex_unlock(&team->mutex);
}

static void *helper_main(void *argument)
{
    const struct helper *self = argument;
    struct rt_team *team = self->team;

    for (unsigned round = 0;; round++) {
        await(team, &team->round, round, false);
        if (atomic_load(&team->stop))
            return NULL;
        team->work(team->context, self->member);
        if (atomic_fetch_sub(&team->running, 1) == 1)
            announce(team);
    }
}

/* Binds a thread to the member-th core that the process may use. A refusal costs speed only. */
static void pin(pthread_t thread, int member, const cpu_set_t *allowed)
{
    cpu_set_t one;
    int seen = 0;

    for (size_t core = 0; core < CPU_SETSIZE; core++) {
        if (!CPU_ISSET(core, allowed) || seen++ != member)
            continue;
        CPU_ZERO(&one);
        CPU_SET(core, &one);
        pthread_setaffinity_np(thread, sizeof one, &one);
        return;
    }
}

static int start_helpers(struct rt_team *team, struct rt_error *err)
{
    for (int i = 0; i < team->size - 1; i++) {
        struct helper *helper = &team->helpers[i];
        int failure;

        *helper = (struct helper){.team = team, .member = i + 1};
        if ((failure = rt_thread_start(&helper->thread, helper_main, helper)))
            return rt_fail_errno(err, RT_EMEMORY, failure, "cannot start thread %d of %d", i + 2, team->size);
        team->started++;
    }
    return RT_OK;
}

int rt_team_create(struct rt_team **out, int threads, struct rt_error *err)
{
    struct rt_team *team;

    cpu_set_t allowed;
    int rc;

    *out = NULL;
    if (threads < 0 || threads > THREADS_MAX)
        return rt_fail(err, RT_EUSAGE, "--threads %d: expected 0 (all cores) to %d", threads, THREADS_MAX);
    RT_TRY(rt_alloc(&team, 1, sizeof *team, "the thread team", err));
    team->cores = rt_core_count();
    team->cores_in_all = rt_core_total();
    team->size = threads ? threads : team->cores;
    if (team->size > 1)
        atomic_fetch_add(&members, team->size);
    pthread_mutex_init(&team->mutex, NULL);
    pthread_cond_init(&team->changed, NULL);
    if ((rc = rt_alloc(&team->helpers, (size_t)team->size, sizeof *team->helpers, "the thread team", err)) ||
        (rc = start_helpers(team, err))) {
        rt_team_free(&team);
        return rc;
    }
    if (team->size > 1 && !sched_getaffinity(0, sizeof allowed, &allowed) && team->size == CPU_COUNT(&allowed))
        for (int i = 0; i < team->size - 1; i++)
            pin(team->helpers[i].thread, i + 1, &allowed);
    *out = team;
    return RT_OK;
}

void rt_team_free(struct rt_team **held)
{
    struct rt_team *team = *held;

    if (!team)
        return;
    atomic_store(&team->stop, true);
    atomic_fetch_add(&team->round, 1);
    announce(team);
    for (int i = 0; i < team->started; i++)
        pthread_join(team->helpers[i].thread, NULL);
    pthread_cond_destroy(&team->changed);
    pthread_mutex_destroy(&team->mutex);
    if (team->size > 1)
        atomic_fetch_sub(&members, team->size);
    rt_free(&team->helpers);
    rt_free(held);
}

int rt_team_size(const struct rt_team *team)
{
    return team ? team->size : 1;
}

void rt_team_run(struct rt_team *team, void (*work)(void *context, int member), void *context)
{
    if (team && team->size > 1) {
        team->work = work;
        team->context = context;
        atomic_store(&team->running, (unsigned)team->size - 1);
        atomic_fetch_add(&team->round, 1);
        announce(team);
    }
    work(context, 0);
    if (team && team->size > 1)
        await(team, &team->running, 0, true);
}

void rt_team_barrier(struct rt_team *team)
{
    unsigned crossing;

    if (!team || team->size == 1)
        return;
    crossing = atomic_load(&team->crossings);
    if (atomic_fetch_add(&team->arrived, 1) == team->size - 1) {
        atomic_store(&team->arrived, 0);
        atomic_fetch_add(&team->crossings, 1);
        announce(team);
    } else {
        await(team, &team->crossings, crossing, false);
    }
}

struct rt_slice rt_slice(int part, int parts, long count, long unit)
{
    const long units = (count + unit - 1) / unit;
    struct rt_slice slice = {units * part / parts * unit, units * (part + 1) / parts * unit};

    if (slice.begin > count)
        slice.begin = count;
    if (slice.end > count)
        slice.end = count;
    return slice;
}

struct rt_slice rt_team_slice(const struct rt_team *team, int member, long count, long unit)
{
    return rt_slice(member, rt_team_size(team), count, unit);
}
