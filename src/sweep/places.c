#include "sweep/places.h"

#include <math.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/memory.h"
#include "run/run.h"

enum { TICK_MS = 250 };

/* Runs of a sweep that was killed save before they end; so may whoever trains one on another terminal. */
static const double held_s = 60;

struct rt_place *rt_place_at(const struct rt_places *places, int i)
{
    return (struct rt_place *)(void *)(places->items + (size_t)i * places->kind->size);
}

/* ---- cores and slots ---- */

static void take_all_cores(cpu_set_t *cores)
{
    if (sched_getaffinity(0, sizeof *cores, cores))
        CPU_ZERO(cores);
}

/* The cores that this process may use, of which options.cores are distributed. */
static void count_cores(struct rt_places *places)
{
    cpu_set_t allowed;
    int left = places->sweep->options.cores;

    CPU_ZERO(&places->free_cores);
    take_all_cores(&allowed);
    for (size_t core = 0; core < CPU_SETSIZE && left > 0; core++) {
        if (CPU_ISSET(core, &allowed)) {
            CPU_SET(core, &places->free_cores);
            left--;
        }
    }
}

static bool take_cores(struct rt_places *places, int count, cpu_set_t *taken)
{
    CPU_ZERO(taken);
    if (CPU_COUNT(&places->free_cores) < count)
        return false;
    for (size_t core = 0; core < CPU_SETSIZE && count > 0; core++) {
        if (!CPU_ISSET(core, &places->free_cores))
            continue;
        CPU_CLR(core, &places->free_cores);
        CPU_SET(core, taken);
        count--;
    }
    return true;
}

/* More jobs than cores share them all; so do those on a device, which only feed it. */
static bool shares_cores(const struct rt_sweep *sweep)
{
    return sweep->slots > 0 || sweep->options.jobs > sweep->options.cores;
}

/* The free place on the device with the fewest runs, of those that are not lost; null: none. */
static struct rt_place *find_free(const struct rt_places *places)
{
    int busy[RT_SWEEP_DEVICES_MAX] = {0};
    struct rt_place *found = NULL;

    for (int i = 0; i < places->count; i++)
        busy[rt_place_at(places, i)->device] += rt_place_at(places, i)->run != NULL;
    for (int i = 0; i < places->count; i++) {
        struct rt_place *place = rt_place_at(places, i);

        if (!place->run && !places->lost[place->device] &&
            (!found || busy[place->device] < busy[found->device]))
            found = place;
    }
    return found;
}

static int count_busy(const struct rt_places *places)
{
    int busy = 0;

    for (int i = 0; i < places->count; i++)
        busy += rt_place_at(places, i)->run != NULL;
    return busy;
}

/* ---- runs ---- */

static void stop_all(struct rt_places *places)
{
    places->stopping = true;
    for (int i = 0; i < places->count; i++)
        if (rt_place_at(places, i)->run)
            places->kind->stop(rt_place_at(places, i));
}

static int start(struct rt_place *place, struct rt_sweep_run *run, struct rt_error *err)
{
    struct rt_places *places = place->places;
    int rc;

    place->run = run;
    run->device = places->sweep->slots ? places->sweep->devices[place->device] : NULL;
    run->began_s = rt_clock_wall_s();
    run->epochs_at_start = run->epochs_done;
    if ((rc = places->kind->start(place, err))) {
        place->run = NULL;
        return rc;
    }
    run->state = RT_SWEEP_RUNNING;
    rt_overview_note(&places->overview, run);
    return RT_OK;
}

static void fail(struct rt_places *places, struct rt_sweep_run *run, const struct rt_ending *ending)
{
    run->state = RT_SWEEP_FAILED;
    snprintf(run->trouble, sizeof run->trouble, "%s", ending->trouble);
    if (!places->failure.status)
        rt_fail(&places->failure, ending->whole ? ending->status : RT_EMEMORY, "%s: %s",
                run->experiment.experiment_name, run->trouble);
    if (places->sweep->options.fail_fast && !places->stopping)
        stop_all(places);
}

static void look_at_progress(const struct rt_places *places, struct rt_sweep_run *run)
{
    const struct rt_sweep *sweep = places->sweep;

    rt_sweep_read_progress(&run->progress, run);
    if (run->state == RT_SWEEP_RUNNING)
        rt_sweep_note_pace(run, sweep->slots ? count_busy(places) / sweep->device_count : 1);
    if (isfinite(run->progress.epochs))
        run->epochs_done = run->progress.epochs;
}

/* Whether another process holds the run; says so once. */
static bool is_held(struct rt_places *places, struct rt_sweep_run *run)
{
    const pid_t before = run->holder;

    run->holder = rt_lock_holder(run->directory, RT_LOCK_FILE);
    if (run->holder && !before)
        rt_overview_note(&places->overview, run);
    if (before && !run->holder)
        look_at_progress(places, run);
    return run->holder != 0;
}

/* Whether the run failed because its device is lost, of which it takes note. */
static bool lost_device(struct rt_place *place, const struct rt_ending *ending)
{
    struct rt_places *places = place->places;

    if (ending->status != RT_EDEVICE || !places->kind->is_lost || !places->kind->is_lost(place))
        return false;
    places->lost[place->device] = true;
    return true;
}

static bool all_lost(const struct rt_places *places)
{
    for (int i = 0; i < places->sweep->device_count; i++)
        if (!places->lost[i])
            return false;
    return true;
}

/* A run whose device is lost goes on elsewhere, if there is another. */
static void move_on(struct rt_places *places, struct rt_sweep_run *run, const struct rt_ending *ending)
{
    if (all_lost(places)) {
        fail(places, run, ending);
        if (!places->stopping)
            stop_all(places);
        return;
    }
    rt_log_warn("%s: %s is lost; goes on from its last checkpoint on another device: %s",
                run->experiment.experiment_name, run->device, ending->trouble);
    run->state = RT_SWEEP_WAITING;
}

/* A run has ended: records how. */
static void settle(struct rt_place *place, const struct rt_ending *ending)
{
    struct rt_places *places = place->places;
    struct rt_sweep_run *run = place->run;
    const bool lost = lost_device(place, ending);
    const bool stopped = ending->status == RT_EINTERRUPTED && (ending->whole || places->stop_requests <= 1);

    if (!shares_cores(places->sweep))
        CPU_OR(&places->free_cores, &places->free_cores, &place->cores);
    place->run = NULL;
    look_at_progress(places, run);
    if (ending->status == RT_OK)
        run->state = ++run->stage < run->stage_count ? RT_SWEEP_WAITING : RT_SWEEP_FINISHED;
    else if (stopped && places->stopping)
        run->state = RT_SWEEP_INTERRUPTED;
    else if (ending->status == RT_EIO && is_held(places, run))
        run->state = RT_SWEEP_WAITING; /* by one that began at the same moment */
    else if (lost)
        move_on(places, run, ending);
    else
        fail(places, run, ending);
    if (run->state == RT_SWEEP_FINISHED)
        rt_sweep_note_end(places->sweep, run);
    if (run->stage == run->stage_count)
        run->stage--; /* the last: what progress is shown against */
    rt_overview_note(&places->overview, run);
}

/* Returns the last run that finished; null: none. */
static const struct rt_sweep_run *reap(struct rt_places *places)
{
    const struct rt_sweep_run *finished = NULL;

    for (int i = 0; i < places->count; i++) {
        struct rt_place *place = rt_place_at(places, i);
        struct rt_sweep_run *run = place->run;
        struct rt_ending ending = {0};

        if (!run || !places->kind->has_ended(place, &ending))
            continue;
        settle(place, &ending);
        if (run->state == RT_SWEEP_FINISHED)
            finished = run;
    }
    return finished;
}

/* Starts what fits, in the plan's order. */
static int start_more(struct rt_places *places, struct rt_error *err)
{
    const struct rt_sweep *sweep = places->sweep;
    struct rt_place *place;

    for (int i = 0; i < sweep->count && !places->stopping; i++) {
        if (sweep->runs[i].state != RT_SWEEP_WAITING)
            continue;
        if (!(place = find_free(places)))
            break;
        if (is_held(places, &sweep->runs[i]))
            continue;
        if (shares_cores(sweep))
            take_all_cores(&place->cores);
        else if (!take_cores(places, sweep->runs[i].cores, &place->cores))
            continue;
        RT_TRY(start(place, &sweep->runs[i], err));
    }
    return RT_OK;
}

static void give_up(struct rt_places *places, struct rt_sweep_run *run)
{
    char who[32] = "another process";
    struct rt_ending ending = {.status = RT_EIO, .whole = true};

    if (run->holder > 0)
        snprintf(who, sizeof who, "process %ld", (long)run->holder);
    snprintf(ending.trouble, sizeof ending.trouble,
             "%.400s: in use by %s, for %.0f s after all else; wait until it ends, or stop it", run->directory,
             who, held_s);
    run->began_s = places->idle_since_s;
    fail(places, run, &ending);
    rt_overview_note(&places->overview, run);
}

/* Whether what is left is still worth waiting for: runs that other processes hold. Called when what can be
 * started has been. */
static bool waits_for_others(struct rt_places *places)
{
    const struct rt_sweep *sweep = places->sweep;
    int held = 0;

    for (int i = 0; i < sweep->count; i++)
        held += sweep->runs[i].state == RT_SWEEP_WAITING;
    if (!held || places->stopping)
        return false;
    if (places->idle_since_s == 0)
        places->idle_since_s = rt_clock_wall_s();
    if (rt_clock_wall_s() - places->idle_since_s < held_s)
        return true;
    for (int i = 0; i < sweep->count; i++)
        if (sweep->runs[i].state == RT_SWEEP_WAITING)
            give_up(places, &sweep->runs[i]);
    return false;
}

/* ---- the loop ---- */

/* Passes on new requests to stop. */
static void look_at_stop(struct rt_places *places)
{
    const atomic_int *stop = places->sweep->options.stop;

    while (stop && places->stop_requests < atomic_load(stop)) {
        if (places->overview.terminal && places->stop_requests == 0)
            fprintf(stderr, "\nstopping: the runs save; again stops at once\n");
        places->stop_requests++;
        places->overview.lines = 0;
        stop_all(places);
    }
}

static void show(struct rt_places *places)
{
    for (int i = 0; i < places->count; i++) {
        struct rt_place *place = rt_place_at(places, i);

        if (!place->run)
            continue;
        if (places->kind->listen)
            places->kind->listen(place);
        look_at_progress(places, place->run);
    }
    rt_overview_tick(&places->overview);
}

static int run_loop(struct rt_places *places, struct rt_error *err)
{
    const struct rt_sweep *sweep = places->sweep;
    int rc = 0;

    for (;;) {
        const struct rt_sweep_run *finished;

        look_at_stop(places);
        finished = reap(places);
        if (!rc && (rc = start_more(places, err)))
            stop_all(places);
        if (count_busy(places))
            places->idle_since_s = 0;
        else if (rc || !waits_for_others(places))
            return rc;
        if (finished && sweep->options.finished)
            sweep->options.finished(sweep->options.context, finished);
        places->kind->wait(places, TICK_MS);
        show(places);
    }
}

static int conclude(const struct rt_places *places, struct rt_error *err)
{
    int failed = 0;

    for (int i = 0; i < places->sweep->count; i++)
        failed += places->sweep->runs[i].state == RT_SWEEP_FAILED;
    if (places->stop_requests)
        return rt_fail(err, RT_EINTERRUPTED, "interrupted; the same command resumes it");
    if (failed)
        return rt_fail(err, places->failure.status, "%d of %d runs failed, the first: %s", failed,
                       places->sweep->count, places->failure.message);
    return RT_OK;
}

int rt_places_carry_out(struct rt_sweep *sweep, const struct rt_worker_kind *kind, void *context,
                        struct rt_error *err)
{
    const int jobs = sweep->options.jobs ? sweep->options.jobs : sweep->options.cores;
    struct rt_places places = {.sweep = sweep, .kind = kind, .context = context};
    int rc;

    places.count = sweep->slots ? sweep->slots * sweep->device_count : jobs;
    count_cores(&places);
    RT_TRY(rt_alloc(&places.items, (size_t)places.count, kind->size, "the places of a sweep", err));
    for (int i = 0; i < places.count; i++) {
        rt_place_at(&places, i)->places = &places;
        rt_place_at(&places, i)->device = sweep->slots ? i / sweep->slots : 0;
    }
    rt_overview_begin(&places.overview, sweep);
    rc = run_loop(&places, err);
    rt_overview_end(&places.overview);
    rt_free(&places.items);
    return rc ? rc : conclude(&places, err);
}
