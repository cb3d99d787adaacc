/* The launcher for a device: each run a session in a thread of this process, so that runs share the device and
 * what they read (data/shared.h). On a CPU, each has cores of its own, as processes have. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "base/task.h"
#include "data/shared.h"
#include "engine/engine.h"
#include "sweep/places.h"
#include "train/session.h"

struct shared {
    pthread_mutex_t mutex;
    pthread_cond_t ended; /* some worker has */
    struct rt_datasets *datasets;
    struct rt_device *devices[RT_SWEEP_DEVICES_MAX]; /* null: each session opens its own */
};

struct worker {
    struct rt_place place;
    struct shared *shared;
    pthread_t thread;
    struct rt_experiment experiment;
    struct rt_train_options options;
    atomic_int stop;
    bool ended; /* behind shared->mutex */
    int status;
    struct rt_error error;
};

static void *work(void *context)
{
    struct worker *worker = context;

    sched_setaffinity(0, sizeof worker->place.cores,
                      &worker->place.cores); /* this thread, and those that it starts */
    worker->status = rt_train(&worker->experiment, &worker->options, &worker->error);
    pthread_mutex_lock(&worker->shared->mutex);
    worker->ended = true;
    pthread_cond_signal(&worker->shared->ended);
    pthread_mutex_unlock(&worker->shared->mutex);
    return NULL;
}

/* What the command line of the run's process would ask for (rt_sweep_command). */
static int prepare(struct worker *worker, struct rt_error *err)
{
    const struct rt_sweep *sweep = worker->place.places->sweep;
    const struct rt_sweep_options *options = &sweep->options;
    const struct rt_sweep_run *run = worker->place.run;

    worker->experiment = run->experiment;
    worker->experiment.num_epochs = run->stages[run->stage];
    if (options->device) { /* of several, the config has the kind only: which one is no part of it */
        char setting[RT_TEXT_MAX];

        snprintf(setting, sizeof setting, "device=%.*s",
                 (int)(sweep->device_count > 1 ? strcspn(options->device, ":") : strlen(options->device)),
                 options->device);
        RT_TRY(rt_experiment_set(&worker->experiment, setting, err));
    }
    worker->options = (struct rt_train_options){
        .data = options->data,
        .runs = options->runs,
        .engine = options->engine,
        .threads = run->cores,
        .verbosity = RT_LOG_SILENT,
        .fresh = options->fresh && run->stage == 0,
        .epochs_given = true,
        .resume_given = rt_sweep_is_set(run, "resume_checkpoint"),
        .autosave_s = RT_AUTOSAVE_S,
        .stop = &worker->stop,
        .begin = options->begin,
        .datasets = worker->shared->datasets,
        .device = worker->shared->devices[worker->place.device],
    };
    if (!worker->options.resume_given)
        worker->experiment.resume_checkpoint[0] = '\0';
    return RT_OK;
}

static int start(struct rt_place *place, struct rt_error *err)
{
    struct worker *worker = (struct worker *)place;
    int failed;

    *worker = (struct worker){.place = *place, .shared = place->places->context};
    RT_TRY(prepare(worker, err));
    if ((failed = rt_thread_start(&worker->thread, work, worker)))
        return rt_fail_errno(err, RT_EMEMORY, failed, "cannot start a thread for %s",
                             place->run->experiment.experiment_name);
    return RT_OK;
}

static void stop(struct rt_place *place)
{
    atomic_fetch_add(&((struct worker *)place)->stop, 1);
}

static bool has_ended(struct rt_place *place, struct rt_ending *ending)
{
    struct worker *worker = (struct worker *)place;
    bool ended;

    pthread_mutex_lock(&worker->shared->mutex);
    ended = worker->ended;
    pthread_mutex_unlock(&worker->shared->mutex);
    if (!ended)
        return false;
    pthread_join(worker->thread, NULL);
    ending->status = (enum rt_status)worker->status;
    ending->whole = true;
    snprintf(ending->trouble, sizeof ending->trouble, "%.511s", worker->error.message);
    return true;
}

/* A device that cannot even say how much memory is free. */
static bool is_lost(const struct rt_place *place)
{
    const struct shared *shared = place->places->context;
    const struct rt_device *device = shared->devices[place->device];

    return device && !rt_device_room(device);
}

static bool any_ended(const struct rt_places *places)
{
    for (int i = 0; i < places->count; i++)
        if (rt_place_at(places, i)->run && ((const struct worker *)rt_place_at(places, i))->ended)
            return true;
    return false;
}

static void wait_a_while(struct rt_places *places, int ms)
{
    struct shared *shared = places->context;
    struct timespec until;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += ms * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    pthread_mutex_lock(&shared->mutex);
    while (!any_ended(places) && pthread_cond_timedwait(&shared->ended, &shared->mutex, &until) != ETIMEDOUT)
        ;
    pthread_mutex_unlock(&shared->mutex);
}

/* Devices other than cores are opened once, for all runs on them. */
static int open_devices(struct shared *shared, const struct rt_sweep *sweep, struct rt_error *err)
{
    for (int i = 0; sweep->slots && i < sweep->device_count; i++) {
        struct rt_device_options options = {.threads = 1};
        const struct rt_engine *engine;

        RT_TRY(rt_engine_choose(&engine, &options.ordinal, sweep->options.engine, sweep->devices[i], err));
        RT_TRY(rt_device_open(&shared->devices[i], engine, &options, err));
    }
    return RT_OK;
}

static int launch(struct rt_sweep *sweep, struct rt_error *err)
{
    pthread_condattr_t monotonic;
    static const struct rt_worker_kind threads = {
        .size = sizeof(struct worker),
        .start = start,
        .stop = stop,
        .has_ended = has_ended,
        .wait = wait_a_while,
        .is_lost = is_lost,
    };
    struct shared shared = {.mutex = PTHREAD_MUTEX_INITIALIZER};
    int rc;

    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&shared.ended, &monotonic);
    pthread_condattr_destroy(&monotonic);
    if (!(rc = rt_datasets_create(&shared.datasets, err)) && !(rc = open_devices(&shared, sweep, err)))
        rc = rt_places_carry_out(sweep, &threads, &shared, err);
    for (int i = 0; i < RT_SWEEP_DEVICES_MAX; i++)
        rt_device_close(&shared.devices[i]);
    rt_datasets_free(&shared.datasets);
    pthread_cond_destroy(&shared.ended);
    return rc;
}

const struct rt_launcher rt_launcher_threads = {
    .name = "threads", .here = true, .patience = 1, .launch = launch};
