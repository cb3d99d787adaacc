#include "track/remote/comet.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/memory.h"
#include "track/remote/settings.h"

/* Where a setting was found: in the environment, in a file in the working directory (which may be untrusted),
 * or in the user's own. */
enum source { NOWHERE, ENVIRONMENT, FOLDER, HOME };

#define FOLDER_CONFIG ".comet.config"

static bool same_file(const char *a, const char *b)
{
    struct stat one, other;

    return !stat(a, &one) && !stat(b, &other) && one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

/* COMET_NAME in the environment, name in ./.comet.config, in ~/.comet.config: the first found. */
static int read_setting(const char *name, bool secret, char *out, size_t size, enum source *source,
                        struct rt_error *err)
{
    char variable[64] = "COMET_", path[RT_PATH_MAX] = "", value[RT_SECRET_MAX];
    const char *home = rt_setting_env("HOME"), *given;

    for (size_t i = 0, n = strlen(variable); name[i] && n < sizeof variable - 1; i++, n++)
        variable[n] = (char)(name[i] >= 'a' && name[i] <= 'z' ? name[i] - 'a' + 'A' : name[i]);
    given = rt_setting_env(variable);
    *source = given ? ENVIRONMENT : NOWHERE;
    if (given)
        return rt_setting_copy(out, size, variable, given, err);
    if (home)
        RT_TRY(rt_path_join(path, home, ".comet.config", err));
    if (rt_setting_ini(FOLDER_CONFIG, "comet", name, secret, value, sizeof value))
        *source = same_file(FOLDER_CONFIG, path) ? HOME : FOLDER;
    else if (home && rt_setting_ini(path, "comet", name, secret, value, sizeof value))
        *source = HOME;
    return *source ? rt_setting_copy(out, size, variable, value, err) : RT_OK;
}

static int read_key(struct rt_comet *own, enum source *source, struct rt_error *err)
{
    RT_TRY(read_setting("api_key", true, own->key, sizeof own->key, source, err));
    if (!*source)
        return rt_fail(err, RT_ECONFIG,
                       "no API key: set COMET_API_KEY, or write [comet] and api_key = ... to ~/.comet.config");
    snprintf(own->authorization, sizeof own->authorization, "Authorization: %s", own->key);
    return RT_OK;
}

/* A key is sent only to the server that its own configuration names: a file in the working directory cannot
 * redirect a key that it does not contain. */
static int read_server(struct rt_comet *own, enum source key_source, struct rt_error *err)
{
    enum source source;

    RT_TRY(read_setting("url_override", false, own->base, sizeof own->base, &source, err));
    if (!source)
        rt_copy_text(own->base, sizeof own->base, "https://www.comet.com");
    if (source == FOLDER && key_source != FOLDER)
        return rt_fail(err, RT_ECONFIG,
                       "./" FOLDER_CONFIG
                       " names a server (url_override) for a key that is not its own (%s): it is not sent "
                       "there; set COMET_URL_OVERRIDE to the key's own server",
                       key_source == HOME ? "~/.comet.config's" : "COMET_API_KEY");
    return RT_OK;
}

/* The base of the service: an on-premises server is conventionally named with /clientlib/ behind it. Where the
 * run was sent before only says whether it is the same one. */
static int read_base(struct rt_comet *own, enum source key_source, const struct rt_link *link,
                     struct rt_error *err)
{
    static const char suffix[] = "/clientlib";
    char user[RT_SECRET_MAX], password[RT_SECRET_MAX];
    size_t length;

    RT_TRY(read_server(own, key_source, err));
    RT_TRY(rt_setting_split_url("COMET_URL_OVERRIDE", own->base, user, password, sizeof user, err));
    length = strlen(own->base);
    if (length > strlen(suffix) && !strcmp(own->base + length - strlen(suffix), suffix))
        own->base[length - strlen(suffix)] = '\0';
    if (*link->position.url && strcmp(link->position.url, own->base))
        return rt_fail(err, RT_ECONFIG,
                       "the run was sent to %s, not to %s; set COMET_URL_OVERRIDE to the first if that server "
                       "is yours, or remove %s/comet.json to send the whole run to the second",
                       link->position.url, own->base, link->run_dir);
    return RT_OK;
}

int rt_comet_open(struct rt_link *link, const char *project, struct rt_error *err)
{
    struct rt_comet *own;
    enum source source;

    RT_TRY(rt_alloc(&own, 1, sizeof *own, "Comet's settings", err));
    link->own = own;
    for (int i = 0; i < RT_COMET_SERIES_COUNT; i++)
        own->last[i] = RT_COMET_UNKNOWN;
    RT_TRY(read_key(own, &source, err));
    link->secrets[0] = own->key;
    RT_TRY(read_base(own, source, link, err));
    RT_TRY(read_setting("workspace", false, own->workspace, sizeof own->workspace, &source, err));
    if (*project)
        return rt_setting_copy(own->project, sizeof own->project, "comet_project", project, err);
    RT_TRY(read_setting("project_name", false, own->project, sizeof own->project, &source, err));
    return source ? RT_OK : rt_setting_copy(own->project, sizeof own->project, "project", "general", err);
}

void rt_comet_close(struct rt_link *link)
{
    explicit_bzero(link->own, sizeof(struct rt_comet));
    rt_free(&link->own);
}
