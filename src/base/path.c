#include "base/path.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/system.h"
#include "base/text.h"

int rt_path_join(char out[RT_PATH_MAX], const char *folder, const char *name, struct rt_error *err)
{
    char joined[RT_PATH_MAX];
    const size_t length = strlen(folder);
    const char *const slash = length && folder[length - 1] != '/' ? "/" : "";
    const int wanted = snprintf(joined, sizeof joined, "%s%s%s", folder, slash, name);

    if (wanted < 0 || wanted >= RT_PATH_MAX)
        return rt_fail(err, RT_EIO, "%.200s...: the path would be longer than %d bytes", folder,
                       RT_PATH_MAX - 1);
    memcpy(out, joined, (size_t)wanted + 1);
    return RT_OK;
}

const char *rt_path_name(const char *path)
{
    const char *const slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

int rt_path_folder(char out[RT_PATH_MAX], const char *path, struct rt_error *err)
{
    size_t length = (size_t)(rt_path_name(path) - path);

    if (!length) {
        memcpy(out, ".", 2);
        return RT_OK;
    }
    while (length > 1 && path[length - 1] == '/')
        length--;
    if (length >= RT_PATH_MAX)
        return rt_fail(err, RT_EIO, "%.200s...: the path is longer than %d bytes", path, RT_PATH_MAX - 1);
    memmove(out, path, length);
    out[length] = '\0';
    return RT_OK;
}

bool rt_path_has_suffix(const char *path, const char *suffix)
{
    const size_t length = strlen(path), wanted = strlen(suffix);

    return length >= wanted && !strcmp(path + length - wanted, suffix);
}

bool rt_path_exists(const char *path)
{
    struct stat status;

    return !lstat(path, &status);
}

bool rt_path_is_file(const char *path)
{
    struct stat status;

    return !stat(path, &status) && S_ISREG(status.st_mode);
}

bool rt_path_is_folder(const char *path)
{
    struct stat status;

    return !stat(path, &status) && S_ISDIR(status.st_mode);
}

static int make_one(const char *path, struct rt_error *err)
{
    if (!rt_system_mkdir(path, 0777))
        return RT_OK;
    if (errno == EEXIST) {
        if (rt_path_is_folder(path))
            return RT_OK;
        return rt_fail(err, RT_EIO, "%s is in the way: a folder is wanted there", path);
    }
    return rt_fail_errno(err, RT_EIO, errno, "cannot make the folder %s", path);
}

int rt_folder_make(const char *path, struct rt_error *err)
{
    char part[RT_PATH_MAX];

    if (!rt_copy_text(part, sizeof part, path))
        return rt_fail(err, RT_EIO, "%.200s...: the path is longer than %d bytes", path, RT_PATH_MAX - 1);
    if (rt_path_is_folder(path))
        return RT_OK;
    for (char *slash = strchr(part + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (!rt_path_is_folder(part))
            RT_TRY(make_one(part, err));
        *slash = '/';
    }
    return make_one(part, err);
}

int rt_path_temporary(char out[RT_PATH_MAX], const char *path, struct rt_error *err)
{
    static atomic_uint serial;
    enum { KEPT = 180 }; /* of the name: file systems end names at 255 bytes */
    char folder[RT_PATH_MAX], name[256];

    RT_TRY(rt_path_folder(folder, path, err));
    snprintf(name, sizeof name, ".%.*s.%ld-%u.tmp", KEPT, rt_path_name(path), (long)getpid(),
             atomic_fetch_add(&serial, 1u));
    if (!strcmp(folder, ".") && !strchr(path, '/'))
        folder[0] = '\0';
    return rt_path_join(out, folder, name, err);
}

int rt_folder_make_temporary(char out[RT_PATH_MAX], const char *path, struct rt_error *err)
{
    RT_TRY(rt_path_temporary(out, path, err));
    if (rt_system_mkdir(out, 0777))
        return rt_fail_errno(err, RT_EIO, errno, "cannot make the folder %s", out);
    return RT_OK;
}

int rt_path_rename(const char *from, const char *to, struct rt_error *err)
{
    if (rt_system_rename(from, to))
        return rt_fail_errno(err, RT_EIO, errno, "cannot rename %s to %s", from, to);
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
