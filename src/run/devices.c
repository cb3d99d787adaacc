#include "run/devices.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "base/utf8.h"

void rt_run_devices_note(struct rt_run_devices *devices, const struct rt_provenance *provenance)
{
    char name[RT_PROVENANCE_TEXT_MAX];

    snprintf(name, sizeof name, "%.60s (%.180s)", provenance->engine, provenance->target);
    for (int i = 0; i < devices->count; i++)
        if (!strcmp(devices->names[i], name))
            return;
    if (devices->count < RT_RUN_DEVICES_MAX)
        rt_copy_text(devices->names[devices->count++], sizeof *devices->names, name);
    else
        rt_copy_text(devices->names[RT_RUN_DEVICES_MAX - 1], sizeof *devices->names, "others");
}

int rt_run_devices_write(const struct rt_run_devices *devices, struct rt_json *object, const char *key,
                         struct rt_error *err)
{
    struct rt_json *list = NULL;
    int rc = rt_json_array(&list, err);

    for (int i = 0; i < devices->count && !rc; i++)
        rc = rt_json_append_text(list, devices->names[i], err);
    if (!rc)
        rc = rt_json_set(object, key, &list, err);
    rt_json_free(&list);
    return rc;
}

int rt_run_devices_read(struct rt_run_devices *devices, const struct rt_json *object, const char *key,
                        const char *path, const struct rt_provenance *provenance, struct rt_error *err)
{
    const struct rt_json *list = rt_json_member(object, key);
    const size_t count = list ? rt_json_count(list) : 0;

    *devices = (struct rt_run_devices){0};
    if (!list) {
        if (*provenance->engine)
            rt_run_devices_note(devices, provenance);
        return RT_OK;
    }
    if (rt_json_kind(list) != RT_JSON_ARRAY || count > RT_RUN_DEVICES_MAX)
        return rt_fail(err, RT_EDATA, "%s: %s is no list of at most %d texts", path, key, RT_RUN_DEVICES_MAX);
    for (size_t i = 0; i < count; i++) {
        const char *text;
        char item[64];

        snprintf(item, sizeof item, "%s/%zu", key, i);
        RT_TRY(rt_json_get_text(object, path, item, &text, err));
        if (!rt_utf8_is_plain(text) || !rt_copy_text(devices->names[i], sizeof *devices->names, text))
            return rt_fail(err, RT_EDATA, "%s: %s holds control characters, or more than %d bytes", path, key,
                           RT_PROVENANCE_TEXT_MAX - 1);
        devices->count++;
    }
    return RT_OK;
}
