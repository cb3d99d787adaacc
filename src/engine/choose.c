/* What words on the command line and in configs mean: engines and devices. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "engine/engine.h"

const struct rt_engine *rt_engine_find(const char *name)
{
    for (size_t i = 0; rt_engines[i]; i++)
        if (!strcmp(rt_engines[i]->name, name))
            return rt_engines[i];
    return NULL;
}

/* "native on cpu, reference on cpu" */
static void append_engines(struct rt_text *text)
{
    for (size_t i = 0; rt_engines[i]; i++)
        rt_text_printf(text, "%s%s on %s", i ? ", " : "", rt_engines[i]->name, rt_engines[i]->device);
}

static int refuse(const char *what, const char *word, struct rt_error *err)
{
    struct rt_text engines = {0};

    append_engines(&engines);
    rt_fail(err, RT_ECONFIG, "%s: %s: this build has no such engine, only %s", what, word,
            rt_text_string(&engines));
    rt_text_free(&engines);
    return RT_ECONFIG;
}

#define DEVICE_WORD(word, help) #word,
static const char *const device_words[] = {RT_DEVICES(DEVICE_WORD)};
#undef DEVICE_WORD

static bool is_device_word(const char *word, size_t length)
{
    for (size_t i = 0; i < sizeof device_words / sizeof *device_words; i++)
        if (strlen(device_words[i]) == length && !strncmp(device_words[i], word, length))
            return true;
    return false;
}

/* "cuda:1" into its word's length and its number; false: neither a word of RT_DEVICES nor WORD:N. */
static bool parse_device(const char *device, size_t *length, int *ordinal)
{
    char *end;
    long number;

    *length = strcspn(device, ":");
    *ordinal = 0;
    if (!is_device_word(device, *length))
        return false;
    if (!device[*length])
        return true;
    if (device[*length + 1] < '0' || device[*length + 1] > '9')
        return false;
    number = strtol(device + *length + 1, &end, 10);
    *ordinal = (int)number;
    return !*end && number < 1024;
}

static int refuse_device(const char *device, struct rt_error *err)
{
    struct rt_text words = {0};

    for (size_t i = 0; i < sizeof device_words / sizeof *device_words; i++)
        rt_text_printf(&words, "%s%s", i ? ", " : "", device_words[i]);
    rt_fail(err, RT_ECONFIG, "device: '%s', expected one of %s, or with a number as in cuda:1", device,
            rt_text_string(&words));
    rt_text_free(&words);
    return RT_ECONFIG;
}

static bool computes_on(const struct rt_engine *engine, const char *device, size_t length)
{
    return strlen(engine->device) == length && !strncmp(engine->device, device, length);
}

/* The engine must have that many devices that can be used. */
static int check_count(const struct rt_engine *engine, int ordinal, struct rt_error *err)
{
    struct rt_error reason = {0};
    const int count = engine->count(&reason);

    if (count < 1)
        return rt_fail(err, RT_ECONFIG, "device: %s", reason.message);
    if (ordinal >= count)
        return rt_fail(err, RT_ECONFIG, "device: %s:%d: there %s %d, counted from 0", engine->device, ordinal,
                       count == 1 ? "is" : "are", count);
    return RT_OK;
}

/* The engine's first device that can train; -1: none, and why. */
static int usable(const struct rt_engine *engine, char *words, size_t size, struct rt_error *why)
{
    const int count = engine->count(why);

    for (int i = 0; i < count; i++)
        if (!engine->check || !engine->check(i, words, size, why))
            return i;
    return -1;
}

/* The first device that is not the CPU and can train, else the first engine of the list; says which. */
static const struct rt_engine *best(int *ordinal)
{
    struct rt_error why = {0};

    for (size_t i = 0; rt_engines[i]; i++) {
        char words[128] = "";

        if (!strcmp(rt_engines[i]->device, "cpu"))
            continue;
        *ordinal = usable(rt_engines[i], words, sizeof words, &why);
        if (*ordinal >= 0) {
            rt_log_info("Device auto: %s:%d (%s)", rt_engines[i]->device, *ordinal, words);
            return rt_engines[i];
        }
    }
    assert(rt_engines[0]);
    *ordinal = 0;
    rt_log_info("Device auto: %s (%s)", rt_engines[0]->device, why.message);
    return rt_engines[0];
}

int rt_engine_choose(const struct rt_engine **out, int *ordinal, const char *engine, const char *device,
                     struct rt_error *err)
{
    const struct rt_engine *found = engine ? rt_engine_find(engine) : NULL;
    size_t length = 0;

    *ordinal = 0;
    if (engine && !found)
        return refuse("engine", engine, err);
    if (!device || !strcmp(device, "auto")) {
        *out = found ? found : best(ordinal);
        return check_count(*out, *ordinal, err);
    }
    if (!parse_device(device, &length, ordinal))
        return refuse_device(device, err);
    if (found && !computes_on(found, device, length))
        return rt_fail(err, RT_ECONFIG, "device: %s: engine %s computes on %s", device, found->name,
                       found->device);
    for (size_t i = 0; !found && rt_engines[i]; i++)
        if (computes_on(rt_engines[i], device, length))
            found = rt_engines[i];
    if (!found)
        return refuse("device", device, err);
    *out = found;
    return check_count(found, *ordinal, err);
}
