#include "base/entry.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/system.h"

/* A name's last part, and the open folder that holds it. */
struct place {
    int parent;
    const char *last;
    bool blocked;           /* the way to it is there, but is no folder or may not be passed */
    char path[RT_PATH_MAX]; /* of the whole, for messages */
};

static const char *kind_of(mode_t mode)
{
    switch (mode & S_IFMT) {
    case S_IFLNK:
        return "a symbolic link";
    case S_IFIFO:
        return "a FIFO";
    case S_IFSOCK:
        return "a socket";
    case S_IFDIR:
        return "a folder";
    case S_IFREG:
        return "a file";
    default:
        return "a device";
    }
}

/* "runs/a/log.txt is a symbolic link: a regular file is wanted there" */
static int refuse(const char *path, mode_t mode, const char *wanted, struct rt_error *err)
{
    return rt_fail(err, RT_EIO, "%s is %s: %s is wanted there", path, kind_of(mode), wanted);
}

static bool plain_part(const char *part, size_t length)
{
    return length && length < RT_PATH_MAX &&
           !(part[0] == '.' && (length == 1 || (length == 2 && part[1] == '.')));
}

/* Steps from an open folder into its folder part[0..length), closing the former. */
static int step_into(struct place *place, const char *part, size_t length, struct rt_error *err)
{
    char name[RT_PATH_MAX];
    struct stat status;
    int next;

    memcpy(name, part, length);
    name[length] = '\0';
    next = openat(place->parent, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (next < 0) {
        const int saved = errno;

        place->blocked = saved != ENOENT;
        if (saved == ENOTDIR && !fstatat(place->parent, name, &status, AT_SYMLINK_NOFOLLOW))
            return rt_fail(err, RT_EIO, "%s: %s is %s: a folder is wanted there", place->path, name,
                           kind_of(status.st_mode));
        return rt_fail_errno(err, RT_EIO, saved, "cannot open %s", place->path);
    }
    close(place->parent);
    place->parent = next;
    return RT_OK;
}

static void leave(struct place *place)
{
    if (place->parent >= 0)
        close(place->parent);
    place->parent = -1;
}

/* Ends at the name's parent; leave() it, also after an error. */
static int find(struct place *place, const char *folder, const char *name, struct rt_error *err)
{
    const char *at = name;

    place->parent = -1;
    place->blocked = false;
    RT_TRY(rt_path_join(place->path, folder, name, err));
    place->parent = open(*folder ? folder : ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (place->parent < 0) {
        place->blocked = errno != ENOENT;
        return rt_fail_errno(err, RT_EIO, errno, "cannot open %s", place->path);
    }
    for (;;) {
        const size_t length = strcspn(at, "/");

        if (!plain_part(at, length))
            return rt_fail(err, RT_EIO, "%s: '%s' is no plain name inside a folder", place->path, name);
        place->last = at;
        if (!at[length])
            return RT_OK;
        RT_TRY(step_into(place, at, length, err));
        at += length + 1;
    }
}

enum rt_entry rt_entry_look(const char *folder, const char *name)
{
    struct place place;
    struct stat status;
    enum rt_entry entry = RT_ENTRY_NONE;

    if (find(&place, folder, name, NULL))
        entry = place.blocked ? RT_ENTRY_OTHER : RT_ENTRY_NONE;
    else if (!fstatat(place.parent, place.last, &status, AT_SYMLINK_NOFOLLOW))
        entry = S_ISREG(status.st_mode)   ? RT_ENTRY_FILE
                : S_ISDIR(status.st_mode) ? RT_ENTRY_FOLDER
                                          : RT_ENTRY_OTHER;
    else if (errno != ENOENT)
        entry = RT_ENTRY_OTHER;
    leave(&place);
    return entry;
}

int rt_entry_path(char out[RT_PATH_MAX], const char *folder, const char *name, struct rt_error *err)
{
    struct place place;
    const int rc = find(&place, folder, name, err);

    if (!rc)
        memcpy(out, place.path, strlen(place.path) + 1);
    leave(&place);
    return rc;
}

static int check_file(const char *path, const struct stat *status, bool writing, struct rt_error *err)
{
    if (!S_ISREG(status->st_mode))
        return refuse(path, status->st_mode, "a regular file", err);
    if (writing && status->st_nlink > 1)
        return rt_fail(err, RT_EIO,
                       "%s has %ju names (hard links): what is written here would change all; copy it", path,
                       (uintmax_t)status->st_nlink);
    return RT_OK;
}

/* Looks before it opens, since opening a device or a FIFO can do something or wait; and at what it has opened.
 */
static int open_last(int *fd, const struct place *place, int flags, bool writing, struct rt_error *err)
{
    struct stat status;
    int rc = RT_OK;

    if (!fstatat(place->parent, place->last, &status, AT_SYMLINK_NOFOLLOW))
        RT_TRY(check_file(place->path, &status, writing, err));
    *fd = rt_system_openat(place->parent, place->last, flags | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0666,
                           place->path);
    if (*fd < 0)
        return rt_fail_errno(err, RT_EIO, errno, "cannot %s %s", writing ? "write" : "open", place->path);
    if (fstat(*fd, &status))
        rc = rt_fail_errno(err, RT_EIO, errno, "cannot look at %s", place->path);
    else
        rc = check_file(place->path, &status, writing, err);
    if (rc)
        rt_file_close_read(fd);
    return rc;
}

static int open_flags(int *fd, const char *folder, const char *name, int flags, struct rt_error *err)
{
    struct place place;
    int rc;

    *fd = -1;
    if (!(rc = find(&place, folder, name, err)))
        rc = open_last(fd, &place, flags, (flags & O_ACCMODE) != O_RDONLY, err);
    leave(&place);
    return rc;
}

int rt_entry_open(int *fd, const char *folder, const char *name, enum rt_open how, struct rt_error *err)
{
    return open_flags(fd, folder, name, rt_open_flags(how), err);
}

int rt_entry_read(const char *folder, const char *name, size_t limit_bytes, char **bytes, size_t *size,
                  struct rt_error *err)
{
    char path[RT_PATH_MAX];
    int fd, rc;

    RT_TRY(rt_path_join(path, folder, name, err));
    RT_TRY(rt_entry_open(&fd, folder, name, RT_OPEN_READ, err));
    rc = rt_file_read_rest(fd, path, limit_bytes, bytes, size, err);
    rt_file_close_read(&fd);
    return rc;
}

int rt_entry_write(const char *folder, const char *name, const void *bytes, size_t size, struct rt_error *err)
{
    char path[RT_PATH_MAX];

    RT_TRY(rt_entry_path(path, folder, name, err));
    return rt_file_write_all(path, bytes, size, err);
}

int rt_entry_size(const char *folder, const char *name, uint64_t *size, struct rt_error *err)
{
    struct place place;
    struct stat status;
    int rc;

    if (!(rc = find(&place, folder, name, err))) {
        if (fstatat(place.parent, place.last, &status, AT_SYMLINK_NOFOLLOW))
            rc = rt_fail_errno(err, RT_EIO, errno, "cannot look at %s", place.path);
        else if (!(rc = check_file(place.path, &status, false, err)))
            *size = (uint64_t)status.st_size;
    }
    leave(&place);
    return rc;
}

int rt_entry_truncate(const char *folder, const char *name, uint64_t size, struct rt_error *err)
{
    char path[RT_PATH_MAX];
    int fd, rc;

    RT_TRY(rt_path_join(path, folder, name, err));
    RT_TRY(open_flags(&fd, folder, name, O_WRONLY, err));
    if (!(rc = rt_file_cut(fd, path, size, err)))
        rc = rt_file_sync(fd, path, err);
    if (rt_file_close(&fd, path, rc ? NULL : err) && !rc)
        rc = RT_EIO;
    return rc;
}

int rt_entry_list(struct rt_names *names, const char *folder, const char *name, struct rt_error *err)
{
    char path[RT_PATH_MAX];

    *names = (struct rt_names){0};
    RT_TRY(rt_entry_path(path, folder, name, err));
    if (rt_entry_look(folder, name) == RT_ENTRY_OTHER)
        return rt_fail(err, RT_EIO, "%s is a link or a special file: a folder is wanted there", path);
    return rt_folder_list(names, path, err);
}

int rt_entry_make_folder(const char *folder, const char *name, struct rt_error *err)
{
    char path[RT_PATH_MAX];

    RT_TRY(rt_entry_path(path, folder, name, err));
    if (!rt_system_mkdir(path, 0777) || (errno == EEXIST && rt_entry_look(folder, name) == RT_ENTRY_FOLDER))
        return rt_path_folder(path, path, err) ? RT_EIO : rt_folder_sync(path, err);
    if (errno == EEXIST)
        return rt_fail(err, RT_EIO, "%s is in the way: a folder is wanted there", path);
    return rt_fail_errno(err, RT_EIO, errno, "cannot make the folder %s", path);
}
