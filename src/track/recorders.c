#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "track/recorder.h"

#define ENTRY(name, help) {#name, help, &rt_recorder_##name},
const struct rt_recorder_entry rt_recorder_entries[] = {RT_RECORDERS(ENTRY){0}};
#undef ENTRY

enum { KIND_COUNT = sizeof rt_recorder_entries / sizeof *rt_recorder_entries - 1 };

struct rt_recorders {
    int count;
    struct {
        const struct rt_recorder_kind *kind;
        struct rt_recorder *recorder;
    } open[KIND_COUNT];
};

/* Is `name` one of the words of `names`? */
static bool is_named(const char *names, const char *name)
{
    while (*(names += strspn(names, " ,"))) {
        const size_t length = strcspn(names, " ,");

        if (length == strlen(name) && !strncmp(names, name, length))
            return true;
        names += length;
    }
    return false;
}

static int check_names(const char *names, struct rt_error *err)
{
    char word[64], known[256] = "", hint[96];

    for (int i = 0; i < KIND_COUNT; i++) {
        const size_t used = strlen(known);

        snprintf(known + used, sizeof known - used, "%s%s", i ? " " : "", rt_recorder_entries[i].name);
    }
    while (*(names += strspn(names, " ,"))) {
        const size_t length = strcspn(names, " ,");
        struct rt_nearest nearest = {.word = word};

        snprintf(word, sizeof word, "%.*s", (int)length, names);
        if (!rt_text_has_word(known, word)) {
            for (int i = 0; i < KIND_COUNT; i++)
                rt_nearest_offer(&nearest, rt_recorder_entries[i].name);
            return rt_fail(err, RT_EUSAGE, "track: no recorder is called '%s'%s", word,
                           rt_nearest_hint(&nearest, hint, sizeof hint));
        }
        names += length;
    }
    return RT_OK;
}

int rt_recorders_start(struct rt_recorders **recorders, const char *names, const struct rt_run_info *info,
                       struct rt_error *err)
{
    int rc = RT_OK;

    *recorders = NULL;
    names = names ? names : "";
    RT_TRY(check_names(names, err));
    RT_TRY(rt_alloc(recorders, 1, sizeof **recorders, "recorders", err));
    for (int i = 0; i < KIND_COUNT && !rc; i++) {
        const struct rt_recorder_kind *kind = rt_recorder_entries[i].kind;
        const int slot = (*recorders)->count;

        if (!kind->always && !is_named(names, rt_recorder_entries[i].name))
            continue;
        (*recorders)->open[slot].kind = kind;
        rc = kind->start(&(*recorders)->open[slot].recorder, info, err);
        if (!rc)
            (*recorders)->count++;
    }
    if (rc)
        rt_recorders_free(recorders);
    return rc;
}

void rt_recorders_free(struct rt_recorders **recorders)
{
    if (!*recorders)
        return;
    for (int i = (*recorders)->count - 1; i >= 0; i--)
        (*recorders)->open[i].kind->free((*recorders)->open[i].recorder);
    rt_free(recorders);
}

/* Defines a function that hands one event to every recorder that listens to it and keeps the first error. */
#define DEFINE_EVENT(function, event, parameters, arguments)                                                   \
    int function parameters                                                                                    \
    {                                                                                                          \
        int first = RT_OK;                                                                                     \
                                                                                                               \
        for (int i = 0; i < all->count; i++) {                                                                 \
            struct rt_recorder *recorder = all->open[i].recorder;                                              \
            struct rt_error *error = first ? NULL : err;                                                       \
            const int rc = all->open[i].kind->event ? all->open[i].kind->event arguments : RT_OK;              \
                                                                                                               \
            first = first ? first : rc;                                                                        \
        }                                                                                                      \
        return first;                                                                                          \
    }

DEFINE_EVENT(rt_recorders_progress, progress,
             (struct rt_recorders * all, const struct rt_log_point *point, struct rt_error *err),
             (recorder, point, error))
DEFINE_EVENT(rt_recorders_log, log,
             (struct rt_recorders * all, const struct rt_log_point *point, struct rt_error *err),
             (recorder, point, error))
DEFINE_EVENT(rt_recorders_threshold, threshold,
             (struct rt_recorders * all, const struct rt_outcome *outcome, struct rt_error *err),
             (recorder, outcome, error))
DEFINE_EVENT(rt_recorders_weights, weights,
             (struct rt_recorders * all, const struct rt_layer_values *layers, int count, int epoch,
              struct rt_error *err),
             (recorder, layers, count, epoch, error))
DEFINE_EVENT(rt_recorders_sync, sync, (struct rt_recorders * all, struct rt_error *err), (recorder, error))
DEFINE_EVENT(rt_recorders_checkpoint, checkpoint,
             (struct rt_recorders * all, const char *path, int epoch, struct rt_error *err),
             (recorder, path, epoch, error))
DEFINE_EVENT(rt_recorders_finish, finish,
             (struct rt_recorders * all, const struct rt_outcome *outcome, enum rt_status status,
              struct rt_error *err),
             (recorder, outcome, status, error))

void rt_recorders_keep(struct rt_recorders *all, struct rt_experiment *experiment)
{
    for (int i = 0; i < all->count; i++)
        if (all->open[i].kind->keep)
            all->open[i].kind->keep(all->open[i].recorder, experiment);
}
