#include "base/path.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/system.h"
#include "base/text.h"

int rt_path_join(char out[RT_PATH_MAX], const char *folder, const char *name, struct rt_error *err)
{
    char joined[RT_PATH_MAX];
    const size_t length = strlen(folder);
    const char *slash = length && folder[length - 1] != '/' ? "/" : "";
    const int wanted = snprintf(joined, sizeof joined, "%s%s%s", folder, slash, name);

    if (wanted < 0 || wanted >= RT_PATH_MAX)
        return rt_fail(err, RT_EIO, "%.200s...: the path would be longer than %d bytes", folder,
                       RT_PATH_MAX - 1);
    memcpy(out, joined, (size_t)wanted + 1);
    return RT_OK;
}

const char *rt_path_name(const char *path)
{
    const char *slash = strrchr(path, '/');

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

int rt_folder_sync(const char *path, struct rt_error *err)
{
    const int fd = rt_system_open(path, O_RDONLY | O_DIRECTORY, 0);
    int rc = RT_OK;

    if (fd < 0)
        return rt_fail_errno(err, RT_EIO, errno, "cannot open the folder %s", path);
    if (rt_system_fsync(fd, path) && errno != EINVAL &&
        errno != EROFS) /* some file systems cannot sync folders */
        rc = rt_fail_errno(err, RT_EIO, errno, "cannot write the folder %s to disk", path);
    rt_system_close(fd, path);
    return rc;
}

/* Synced even if another process created it first, since that process may not have synced it yet. */
static int make_one(const char *path, struct rt_error *err)
{
    char folder[RT_PATH_MAX];

    if (rt_system_mkdir(path, 0777)) {
        if (errno != EEXIST)
            return rt_fail_errno(err, RT_EIO, errno, "cannot make the folder %s", path);
        if (!rt_path_is_folder(path))
            return rt_fail(err, RT_EIO, "%s is in the way: a folder is wanted there", path);
    }
    RT_TRY(rt_path_folder(folder, path, err));
    return rt_folder_sync(folder, err);
}

int rt_folder_make(const char *path, struct rt_error *err)
{
    char part[RT_PATH_MAX];

    if (!rt_copy_text(part, sizeof part, path))
        return rt_fail(err, RT_EIO, "%.200s...: the path is longer than %d bytes", path, RT_PATH_MAX - 1);
    for (size_t length = strlen(part); length > 1 && part[length - 1] == '/'; length--)
        part[length - 1] = '\0';
    if (rt_path_is_folder(part))
        return RT_OK;
    for (char *slash = strchr(part + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (!rt_path_is_folder(part))
            RT_TRY(make_one(part, err));
        *slash = '/';
    }
    return make_one(part, err);
}

int rt_path_rename(const char *from, const char *to, struct rt_error *err)
{
    if (rt_system_rename(from, to))
        return rt_fail_errno(err, RT_EIO, errno, "cannot rename %s to %s", from, to);
    return RT_OK;
}
