/* Names for what is built or dismantled next to its destination (the third part of base/path.h). */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/path.h"
#include "base/system.h"

enum { RANDOM_DIGITS = 16, TRIES = 100 };

/* Process ids repeat: each process of a container may be number 1, and a killed one leaves its files. */
int rt_path_temporary(char out[RT_PATH_MAX], const char *path, struct rt_error *err)
{
    enum { KEPT = 180 }; /* of the name: file systems end names at 255 bytes */
    char folder[RT_PATH_MAX], name[256];
    uint64_t number;

    RT_TRY(rt_path_folder(folder, path, err));
    if (rt_system_random(&number, sizeof number))
        return rt_fail_errno(err, RT_EIO, errno, "cannot draw a random name beside %s", path);
    snprintf(name, sizeof name, ".%.*s.%016" PRIx64 ".tmp", KEPT, rt_path_name(path), number);
    if (!strcmp(folder, ".") && !strchr(path, '/'))
        folder[0] = '\0';
    return rt_path_join(out, folder, name, err);
}

/* Takes from the end of name[0..*length) one or more characters of a kind. */
static bool take(const char *name, size_t *length, int (*kind)(int), size_t most)
{
    const size_t before = *length;

    while (*length && before - *length < most && kind((unsigned char)name[*length - 1]))
        --*length;
    return *length < before;
}

static bool take_character(const char *name, size_t *length, char wanted)
{
    if (!*length || name[*length - 1] != wanted)
        return false;
    --*length;
    return true;
}

/* ".NAME.RANDOM.tmp", or ".NAME.PID-N.tmp" of earlier versions. */
static bool is_temporary_name(const char *name)
{
    size_t length = strlen(name), rest;

    if (name[0] != '.' || !rt_path_has_suffix(name, ".tmp"))
        return false;
    rest = length -= strlen(".tmp");
    if (take(name, &rest, isxdigit, RANDOM_DIGITS) && length - rest == RANDOM_DIGITS &&
        take_character(name, &rest, '.') && rest > 1)
        return true;
    return take(name, &length, isdigit, length) && take_character(name, &length, '-') &&
           take(name, &length, isdigit, length) && take_character(name, &length, '.') && length > 1;
}

int rt_folder_remove_temporaries(const char *path, struct rt_error *err)
{
    struct rt_names names = {0};
    int rc = rt_folder_list(&names, path, err);

    for (int i = 0; !rc && i < names.count; i++) {
        char inner[RT_PATH_MAX];

        if (!is_temporary_name(names.items[i]))
            continue;
        rc = rt_path_join(inner, path, names.items[i], err);
        if (!rc)
            rc = rt_tree_remove(inner, path, err);
    }
    rt_names_free(&names);
    return rc;
}

int rt_folder_make_temporary(char out[RT_PATH_MAX], const char *path, struct rt_error *err)
{
    int result = -1;

    for (int i = 0; i < TRIES && result; i++) {
        RT_TRY(rt_path_temporary(out, path, err));
        result = rt_system_mkdir(out, 0777);
        if (result && errno != EEXIST)
            break;
    }
    if (result)
        return rt_fail_errno(err, RT_EIO, errno, "cannot make the folder %s", out);
    return RT_OK;
}

int rt_folder_commit(const char *temporary, const char *path, struct rt_error *err)
{
    char folder[RT_PATH_MAX];

    RT_TRY(rt_path_folder(folder, path, err));
    RT_TRY(rt_folder_sync(temporary, err));
    RT_TRY(rt_path_rename(temporary, path, err));
    return rt_folder_sync(folder, err);
}

/* Where the file system cannot exchange two names, the old folder goes aside first. */
static int replace_in_two_steps(const char *temporary, const char *path, struct rt_error *err)
{
    char aside[RT_PATH_MAX];

    RT_TRY(rt_path_temporary(aside, path, err));
    RT_TRY(rt_path_rename(path, aside, err));
    if (rt_folder_commit(temporary, path, err)) {
        rt_path_rename(aside, path, NULL);
        return err ? (int)err->status : RT_EIO;
    }
    return rt_path_rename(aside, temporary, err);
}

int rt_folder_replace(const char *temporary, const char *path, struct rt_error *err)
{
    char folder[RT_PATH_MAX];

    if (!rt_path_exists(path))
        return rt_folder_commit(temporary, path, err);
    RT_TRY(rt_path_folder(folder, path, err));
    RT_TRY(rt_folder_sync(temporary, err));
    if (!rt_system_exchange(temporary, path)) {
        if (rt_folder_sync(folder, err)) {
            rt_system_exchange(temporary, path);
            return err ? (int)err->status : RT_EIO;
        }
    } else if (errno == EINVAL || errno == ENOSYS) {
        RT_TRY(replace_in_two_steps(temporary, path, err));
    } else {
        return rt_fail_errno(err, RT_EIO, errno, "cannot exchange %s and %s", temporary, path);
    }
    return rt_tree_remove(temporary, folder, err);
}

int rt_tree_discard(const char *path, const char *inside, struct rt_error *err)
{
    char folder[RT_PATH_MAX], aside[RT_PATH_MAX];

    if (!rt_path_exists(path))
        return RT_OK;
    RT_TRY(rt_tree_check(path, inside, err));
    RT_TRY(rt_path_folder(folder, path, err));
    RT_TRY(rt_path_temporary(aside, path, err));
    RT_TRY(rt_path_rename(path, aside, err));
    if (rt_folder_sync(folder, err)) {
        rt_path_rename(aside, path, NULL);
        return err ? (int)err->status : RT_EIO;
    }
    return rt_tree_remove(aside, inside, err);
}
