/* The places of this machine where runs are carried out, and the loop that fills them: some cores, or a slot on
 * a device; a process each (local.c) or a thread of this one (threads.c). */
#ifndef RT_SWEEP_PLACES_H
#define RT_SWEEP_PLACES_H

#include <sched.h>

#include "sweep/overview.h"
#include "sweep/sweep.h"

struct rt_places;

struct rt_place {
    struct rt_places *places;
    struct rt_sweep_run *run; /* null: the place is free */
    cpu_set_t cores;          /* the cores that it occupies; on a device, all of them */
    int device;               /* index in the sweep's devices */
};

/* How a run in a place ended. */
struct rt_ending {
    enum rt_status status;
    bool whole; /* false: it was stopped before it could answer */
    char trouble[512];
};

/* What a run is in its place. */
struct rt_worker_kind {
    size_t size; /* of a place, which begins with a struct rt_place */
    /* Starts place->run's next stage. */
    int (*start)(struct rt_place *place, struct rt_error *err);
    /* Asks it to save and end; the next time, to end at once where it can. */
    void (*stop)(struct rt_place *place);
    /* Whether it has ended; then how, and all that it held is given back. */
    bool (*has_ended)(struct rt_place *place, struct rt_ending *ending);
    /* Returns when one may have ended, or a request to stop may have come, after `ms` at the latest. */
    void (*wait)(struct rt_places *places, int ms);
    /* Of a place whose run failed with RT_EDEVICE: whether the device itself is lost; null: there is none. */
    bool (*is_lost)(const struct rt_place *place);
    /* Between ticks; null: nothing. */
    void (*listen)(struct rt_place *place);
};

struct rt_places {
    struct rt_sweep *sweep;
    const struct rt_worker_kind *kind;
    void *context; /* the kind's */
    struct rt_overview overview;
    char *items; /* [count] of kind->size */
    int count;
    cpu_set_t free_cores;
    int stop_requests;               /* passed on so far */
    bool stopping;                   /* start nothing more */
    bool lost[RT_SWEEP_DEVICES_MAX]; /* devices that failed: nothing more is started there */
    double idle_since_s;     /* nothing runs, and other processes hold what is left; 0: something does */
    struct rt_error failure; /* the first */
};
struct rt_place *rt_place_at(const struct rt_places *places, int i);

/* Carries out what is not finished. A run that another process holds is put off; when only such ones are left,
 * they have a minute to come free, or fail (RT_EIO). RT_EINTERRUPTED after a request to stop; the first
 * failure's status when runs failed. Runs on a device that is lost go on from their checkpoints on the others;
 * without others they fail, and what is waiting is not begun. */
int rt_places_carry_out(struct rt_sweep *sweep, const struct rt_worker_kind *kind, void *context,
                        struct rt_error *err);

#endif
