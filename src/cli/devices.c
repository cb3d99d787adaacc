/* rethink devices: what can compute here. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "cli/command.h"
#include "cli/output.h"

static void append_line(struct rt_text *text, const char *device, const char *engine, const char *what)
{
    rt_text_printf(text, "%-8s  %-10s  %s\n", device, engine, what);
}

/* The engine's `ordinal`-th device; what keeps it from being opened is what it says. */
static void append_device(struct rt_text *text, const struct rt_engine *engine, int ordinal)
{
    char words[512] = "", what[1024];
    struct rt_device *device = NULL;
    struct rt_error err = {0};
    char name[32];

    snprintf(name, sizeof name, strcmp(engine->device, "cpu") ? "%s:%d" : "%s", engine->device, ordinal);
    if (rt_device_open(&device, engine, &(struct rt_device_options){.ordinal = ordinal}, &err)) {
        append_line(text, name, engine->name, err.message);
        return;
    }
    if (engine->describe)
        engine->describe(device, words, sizeof words);
    snprintf(what, sizeof what, "%s%s%s", rt_device_target(device), *words ? "; " : "", words);
    append_line(text, name, engine->name, what);
    rt_device_close(&device);
}

static int run_devices(const struct rt_arguments *arguments, struct rt_error *err)
{
    struct rt_text text = {0};

    (void)arguments;
    for (size_t i = 0; rt_engines[i]; i++) {
        struct rt_error reason = {0};
        const int count = rt_engines[i]->count(&reason);

        for (int ordinal = 0; ordinal < count; ordinal++)
            append_device(&text, rt_engines[i], ordinal);
        if (count < 1)
            append_line(&text, rt_engines[i]->device, rt_engines[i]->name, reason.message);
    }
    return rt_output_text(&text, err);
}

const struct rt_command rt_command_devices = {
    .name = "devices",
    .operands = "",
    .summary = "List what can compute here: the processor, and GPUs with their memory and driver.",
    .description =
        "A line each: the word for --device, the engine for --engine, and what it is, or what keeps it from "
        "being used.",
    .examples = "rethink devices",
    .run = run_devices,
};
