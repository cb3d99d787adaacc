/* Where the runs of a plan are carried out: on cores, or in slots of devices. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/cores.h"
#include "engine/engine.h"
#include "sweep/sweep.h"

static int add_device(struct rt_sweep *sweep, const char *word, struct rt_error *err)
{
    if (sweep->device_count == RT_SWEEP_DEVICES_MAX)
        return rt_fail(err, RT_EUSAGE, "--device: more than %d devices", RT_SWEEP_DEVICES_MAX);
    for (int i = 0; i < sweep->device_count; i++)
        if (!strcmp(sweep->devices[i], word))
            return rt_fail(err, RT_EUSAGE, "--device: %s twice", word);
    if (snprintf(sweep->devices[sweep->device_count], RT_DEVICE_WORD_MAX, "%s", word) >= RT_DEVICE_WORD_MAX)
        return rt_fail(err, RT_EUSAGE, "--device: there is no '%s'", word);
    sweep->device_count++;
    return RT_OK;
}

/* "cuda:0,1" is cuda:0 and cuda:1. */
static int split(struct rt_sweep *sweep, const char *list, struct rt_error *err)
{
    const size_t word = strcspn(list, ":");
    char one[RT_DEVICE_WORD_MAX + 8];

    if (!strchr(list, ','))
        return add_device(sweep, list, err);
    if (!list[word] || word > 16)
        return rt_fail(err, RT_EUSAGE, "--device %s: several are given as in cuda:0,1", list);
    for (const char *at = list + word + 1;; at++) {
        const size_t length = strcspn(at, ",");

        snprintf(one, sizeof one, "%.*s:%.*s", (int)word, list, (int)length, at);
        RT_TRY(add_device(sweep, one, err));
        at += length;
        if (!*at)
            return RT_OK;
    }
}

/* Without --device: the one that all runs' configs name. */
static int take_from_runs(struct rt_sweep *sweep, struct rt_error *err)
{
    for (int i = 0; i < sweep->count; i++) {
        const char *first = sweep->runs[0].experiment.device, *device = sweep->runs[i].experiment.device;

        if (strcmp(first, device) != 0)
            return rt_fail(err, RT_ECONFIG,
                           "%s is on device %s, %s on %s: one sweep has one kind; --device says which",
                           sweep->runs[0].experiment.experiment_name, first,
                           sweep->runs[i].experiment.experiment_name, device);
    }
    return sweep->count ? add_device(sweep, sweep->runs[0].experiment.device, err) : RT_OK;
}

/* Free bytes on the device that has least. */
static int find_least_room(const struct rt_sweep *sweep, double *least, struct rt_error *err)
{
    for (int i = 0; i < sweep->device_count; i++) {
        struct rt_device_options options = {.threads = 1};
        const struct rt_engine *engine;
        struct rt_device *device;

        RT_TRY(rt_engine_choose(&engine, &options.ordinal, sweep->options.engine, sweep->devices[i], err));
        RT_TRY(rt_device_open(&device, engine, &options, err));
        *least = fmin(i ? *least : INFINITY, (double)rt_device_room(device));
        rt_device_close(&device);
    }
    return RT_OK;
}

/* How many runs each device has room for, if all are as large as the plan's largest, and there are cores to
 * feed. */
static int count_slots(struct rt_sweep *sweep, struct rt_error *err)
{
    double room = 0, largest = 1, slots = rt_core_count();

    RT_TRY(find_least_room(sweep, &room, err));
    RT_TRY(rt_sweep_measure(sweep, 0, err));
    for (int i = 0; i < sweep->count; i++)
        if (sweep->runs[i].memory_bytes > largest)
            largest = sweep->runs[i].memory_bytes;
    slots = fmin(slots, floor(0.9 * room / largest));
    sweep->slots = slots > 1 ? (int)slots : 1;
    return RT_OK;
}

int rt_sweep_choose_places(struct rt_sweep *sweep, struct rt_error *err)
{
    struct rt_sweep_options *options = &sweep->options;
    const struct rt_engine *engine = NULL;
    int ordinal = 0;

    RT_TRY(options->device ? split(sweep, options->device, err) : take_from_runs(sweep, err));
    for (int i = sweep->device_count - 1; i >= 0; i--)
        RT_TRY(rt_engine_choose(&engine, &ordinal, options->engine, sweep->devices[i], err));
    if (!engine || !strcmp(engine->device, "cpu")) {
        if (options->side_by_side && !options->jobs)
            options->jobs = options->side_by_side;
        return RT_OK;
    }
    if (!strchr(sweep->devices[0], ':'))
        snprintf(sweep->devices[0], RT_DEVICE_WORD_MAX, "%s:%d", engine->device, ordinal);
    sweep->slots = options->side_by_side;
    return sweep->slots ? RT_OK : count_slots(sweep, err);
}
