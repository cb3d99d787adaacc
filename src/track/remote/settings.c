#include "track/remote/settings.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/utf8.h"

enum { INI_MAX_BYTES = 1 << 20 };

const char *rt_setting_env(const char *name)
{
    const char *value = getenv(name);

    return value && *value ? value : NULL;
}

bool rt_setting_env_true(const char *name)
{
    const char *value = rt_setting_env(name);

    return value && (!strcasecmp(value, "true") || !strcmp(value, "1"));
}

int rt_setting_copy(char *out, size_t size, const char *name, const char *value, struct rt_error *err)
{
    for (const char *byte = value; *byte; byte++)
        if (iscntrl((unsigned char)*byte))
            return rt_fail(err, RT_ECONFIG, "%s has a control character in it", name);
    if (!rt_copy_text(out, size, value))
        return rt_fail(err, RT_ECONFIG, "%s is longer than %zu characters", name, size - 1);
    return RT_OK;
}

/* ---- INI */

static char *trim(char *text)
{
    size_t length;

    while (isspace((unsigned char)*text))
        text++;
    for (length = strlen(text); length && isspace((unsigned char)text[length - 1]); length--)
        text[length - 1] = '\0';
    return text;
}

/* Whether the line is "KEY = VALUE" or "KEY: VALUE" with this key; then *value is its value. */
static bool match_key(char *line, const char *key, char **value)
{
    char *sign = line + strcspn(line, "=:");

    if (!*sign)
        return false;
    *sign = '\0';
    *value = trim(sign + 1);
    return !strcasecmp(trim(line), key);
}

static bool find_key(char *content, const char *section, const char *key, char *out, size_t size)
{
    char *line, *value, *rest = content;
    bool inside = false;

    while ((line = strsep(&rest, "\n"))) {
        line = trim(line);
        if (*line == '#' || *line == ';')
            continue;
        if (*line == '[') {
            line[strcspn(line, "]")] = '\0';
            inside = !strcasecmp(trim(line + 1), section);
        } else if (inside && match_key(line, key, &value)) {
            return *value && rt_copy_text(out, size, value);
        }
    }
    return false;
}

static void warn_if_public(const char *path)
{
    struct stat status;

    if (!stat(path, &status) && status.st_mode & (S_IRWXG | S_IRWXO))
        rt_log_warn("%s: others can read the key in it; make it yours alone: chmod 600 %s", path, path);
}

bool rt_setting_ini(const char *path, const char *section, const char *key, bool secret, char *out, size_t size)
{
    char *content = NULL;
    size_t bytes;
    bool found;

    if (!rt_path_is_file(path) || rt_file_read_all(path, INI_MAX_BYTES, &content, &bytes, NULL))
        return false;
    found = find_key(content + rt_utf8_mark(content, bytes), section, key, out, size);
    explicit_bzero(content, bytes);
    rt_free(&content);
    if (found && secret)
        warn_if_public(path);
    return found;
}

/* ---- URLs */

/* Percent-decodes in place; false at a bad or control character. */
static bool decode(char *text)
{
    char *out = text;

    for (; *text; text++, out++) {
        unsigned int byte = (unsigned char)*text;
        int used = 0;

        if (byte == '%' && (sscanf(text + 1, "%2x%n", &byte, &used) != 1 || used != 2))
            return false;
        text += used;
        if (iscntrl((int)byte))
            return false;
        *out = (char)byte;
    }
    *out = '\0';
    return true;
}

static void trim_slashes(char *url)
{
    for (size_t length = strlen(url); length && url[length - 1] == '/'; length--)
        url[length - 1] = '\0';
}

int rt_setting_split_url(const char *name, char *url, char *user, char *password, size_t size,
                         struct rt_error *err)
{
    char *host = strstr(url, "://"), *at, *colon;
    size_t authority;

    *user = *password = '\0';
    trim_slashes(url);
    if (!host)
        return RT_OK;
    host += 3;
    authority = strcspn(host, "/?#");
    at = memrchr(host, '@', authority);
    if (!at)
        return RT_OK;
    *at = '\0';
    colon = strchr(host, ':');
    if (colon)
        *colon = '\0';
    if (!rt_copy_text(user, size, host) || (colon && !rt_copy_text(password, size, colon + 1)) ||
        !decode(user) || !decode(password))
        return rt_fail(err, RT_ECONFIG, "%s: the user or password in it is too long or badly encoded", name);
    memmove(host, at + 1, strlen(at + 1) + 1);
    return RT_OK;
}
