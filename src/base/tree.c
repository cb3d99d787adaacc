/* Folders and their content: listing and removing (the second half of base/path.h). */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/path.h"
#include "base/system.h"

void rt_names_free(struct rt_names *names)
{
    for (int i = 0; i < names->count; i++)
        rt_free(&names->items[i]);
    rt_free(&names->items);
    *names = (struct rt_names){0};
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Reads all names of an open folder, which it leaves open. */
static int read_names(struct rt_names *names, DIR *folder, const char *path, struct rt_error *err)
{
    int capacity = 0;

    for (;;) {
        const struct dirent *entry;

        errno = 0;
        entry = readdir(folder);
        if (!entry && errno)
            return rt_fail_errno(err, RT_EIO, errno, "cannot read the folder %s", path);
        if (!entry)
            break;
        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
            continue;
        if (names->count == capacity) {
            capacity = capacity ? 2 * capacity : 16;
            RT_TRY(rt_realloc(&names->items, (size_t)capacity, sizeof *names->items, "file names", err));
        }
        RT_TRY(rt_strdup(&names->items[names->count], entry->d_name, err));
        names->count++;
    }
    if (names->count)
        qsort(names->items, (size_t)names->count, sizeof *names->items, compare_names);
    return RT_OK;
}

int rt_folder_list(struct rt_names *names, const char *path, struct rt_error *err)
{
    DIR *folder;
    int fd, rc;

    *names = (struct rt_names){0};
    if ((fd = rt_system_open(path, O_RDONLY | O_DIRECTORY, 0)) < 0)
        return rt_fail_errno(err, RT_EIO, errno, "cannot open the folder %s", path);
    if (!(folder = fdopendir(fd))) {
        rc = rt_fail_errno(err, RT_EIO, errno, "cannot read the folder %s", path);
        rt_system_close(fd, path);
        return rc;
    }
    rc = read_names(names, folder, path, err);
    closedir(folder);
    return rc;
}

int rt_file_remove(const char *path, struct rt_error *err)
{
    if (rt_system_unlinkat(AT_FDCWD, path, 0, path) && errno != ENOENT)
        return rt_fail_errno(err, RT_EIO, errno, "cannot remove %s", path);
    return RT_OK;
}

static int remove_entry(int parent, const char *name, const char *path, struct rt_error *err);

/* Empties the folder `name` of the open folder `parent`; `path` is its path in messages. */
static int empty_folder(int parent, const char *name, const char *path, struct rt_error *err)
{
    struct rt_names names = {0};
    DIR *folder = NULL;
    int rc = RT_OK;
    const int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (fd < 0 || !(folder = fdopendir(fd))) {
        rc = rt_fail_errno(err, RT_EIO, errno, "cannot open the folder %s", path);
        if (fd >= 0)
            close(fd);
        return rc;
    }
    rc = read_names(&names, folder, path, err);
    for (int i = 0; !rc && i < names.count; i++) {
        char inner[RT_PATH_MAX];

        rc = rt_path_join(inner, path, names.items[i], err);
        if (!rc)
            rc = remove_entry(fd, names.items[i], inner, err);
    }
    rt_names_free(&names);
    closedir(folder);
    return rc;
}

static int remove_entry(int parent, const char *name, const char *path, struct rt_error *err)
{
    struct stat status;
    int flags = 0;

    if (fstatat(parent, name, &status, AT_SYMLINK_NOFOLLOW)) {
        if (errno == ENOENT)
            return RT_OK;
        return rt_fail_errno(err, RT_EIO, errno, "cannot look at %s", path);
    }
    if (S_ISDIR(status.st_mode)) {
        RT_TRY(empty_folder(parent, name, path, err));
        flags = AT_REMOVEDIR;
    }
    if (rt_system_unlinkat(parent, name, flags, path) && errno != ENOENT)
        return rt_fail_errno(err, RT_EIO, errno, "cannot remove %s", path);
    return RT_OK;
}

/* True when the folder that holds `path` is `inside` or lies in it, links resolved. */
static bool lies_inside(const char *path, const char *inside)
{
    char folder[RT_PATH_MAX], real_folder[PATH_MAX], real_inside[PATH_MAX];
    const char *name = rt_path_name(path);
    size_t length;

    if (!*name || !strcmp(name, ".") || !strcmp(name, "..") || rt_path_folder(folder, path, NULL) ||
        !realpath(folder, real_folder) || !realpath(inside, real_inside))
        return false;
    length = strlen(real_inside);
    if (length == 1)
        return true; /* "/" */
    return !strncmp(real_folder, real_inside, length) && (!real_folder[length] || real_folder[length] == '/');
}

int rt_tree_check(const char *path, const char *inside, struct rt_error *err)
{
    if (!lies_inside(path, inside))
        return rt_fail(err, RT_EIO, "%s is not inside %s: nothing removed", path, inside);
    return RT_OK;
}

int rt_tree_remove(const char *path, const char *inside, struct rt_error *err)
{
    if (!rt_path_exists(path))
        return RT_OK;
    RT_TRY(rt_tree_check(path, inside, err));
    return remove_entry(AT_FDCWD, path, path, err);
}
