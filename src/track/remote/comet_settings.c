#include "track/remote/comet.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "track/remote/settings.h"

/* COMET_NAME in the environment, name in ./.comet.config, in ~/.comet.config: the first found. */
static int read_setting(const char *name, bool secret, char *out, size_t size, bool *found,
                        struct rt_error *err)
{
    char variable[64] = "COMET_", path[RT_PATH_MAX], value[RT_SECRET_MAX];
    const char *home = rt_setting_env("HOME"), *given;

    for (size_t i = 0, n = strlen(variable); name[i] && n < sizeof variable - 1; i++, n++)
        variable[n] = (char)(name[i] >= 'a' && name[i] <= 'z' ? name[i] - 'a' + 'A' : name[i]);
    given = rt_setting_env(variable);
    *found = true;
    if (given)
        return rt_setting_copy(out, size, variable, given, err);
    *found = rt_setting_ini(".comet.config", "comet", name, secret, value, sizeof value);
    if (!*found && home) {
        RT_TRY(rt_path_join(path, home, ".comet.config", err));
        *found = rt_setting_ini(path, "comet", name, secret, value, sizeof value);
    }
    return *found ? rt_setting_copy(out, size, variable, value, err) : RT_OK;
}

static int read_key(struct rt_comet *own, struct rt_error *err)
{
    bool found;

    RT_TRY(read_setting("api_key", true, own->key, sizeof own->key, &found, err));
    if (!found)
        return rt_fail(err, RT_ECONFIG,
                       "no API key: set COMET_API_KEY, or write [comet] and api_key = ... to ~/.comet.config");
    snprintf(own->authorization, sizeof own->authorization, "Authorization: %s", own->key);
    return RT_OK;
}

/* The base of the service: an on-premises server is conventionally named with /clientlib/ behind it. */
static int read_base(struct rt_comet *own, const struct rt_link *link, struct rt_error *err)
{
    static const char suffix[] = "/clientlib";
    char user[RT_SECRET_MAX], password[RT_SECRET_MAX];
    size_t length;
    bool found;

    RT_TRY(read_setting("url_override", false, own->base, sizeof own->base, &found, err));
    if (!found)
        snprintf(own->base, sizeof own->base, "%s",
                 *link->position.url ? link->position.url : "https://www.comet.com");
    RT_TRY(rt_setting_split_url("COMET_URL_OVERRIDE", own->base, user, password, sizeof user, err));
    length = strlen(own->base);
    if (length > strlen(suffix) && !strcmp(own->base + length - strlen(suffix), suffix))
        own->base[length - strlen(suffix)] = '\0';
    if (*link->position.url && strcmp(link->position.url, own->base))
        return rt_fail(
            err, RT_ECONFIG,
            "the run is at %s, not at %s; set COMET_URL_OVERRIDE to the first, or remove %s/comet.json to send "
            "the whole run to the second",
            link->position.url, own->base, link->run_dir);
    return RT_OK;
}

int rt_comet_open(struct rt_link *link, const char *project, struct rt_error *err)
{
    struct rt_comet *own;
    bool found = false;

    RT_TRY(rt_alloc(&own, 1, sizeof *own, "Comet's settings", err));
    link->own = own;
    for (int i = 0; i < RT_COMET_SERIES_COUNT; i++)
        own->last[i] = RT_COMET_UNKNOWN;
    RT_TRY(read_key(own, err));
    link->secrets[0] = own->key;
    RT_TRY(read_base(own, link, err));
    RT_TRY(read_setting("workspace", false, own->workspace, sizeof own->workspace, &found, err));
    if (*project)
        return rt_setting_copy(own->project, sizeof own->project, "comet_project", project, err);
    RT_TRY(read_setting("project_name", false, own->project, sizeof own->project, &found, err));
    return found ? RT_OK : rt_setting_copy(own->project, sizeof own->project, "project", "general", err);
}

void rt_comet_close(struct rt_link *link)
{
    explicit_bzero(link->own, sizeof(struct rt_comet));
    rt_free(&link->own);
}
