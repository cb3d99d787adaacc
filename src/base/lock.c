#include "base/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/entry.h"
#include "base/file.h"
#include "base/holder.h"
#include "base/log.h"
#include "base/system.h"
#include "base/task.h"
#include "base/text.h"

enum { TRIES = 100 };
static const double being_written_s = 0.2; /* a lock file that is empty for longer is nobody's */
/* The kernel gives a killed process's locks back when its last thread has gone, which for one with gigabytes of
 * memory on a busy machine is some time after. */
static const double ending_s = 10, ending_look_s = 0.02;

bool rt_lock_unsupported(int error)
{
    return error == ENOSYS || error == ENOLCK || error == EOPNOTSUPP;
}

/* ---- the kernel's locks ---- */

/* Is the open file or folder still the one at `path`? A holder may have removed it between our open and our
 * lock.
 */
static bool is_current(int descriptor, const char *path)
{
    struct stat ours, theirs;

    return !fstat(descriptor, &ours) && !lstat(path, &theirs) && ours.st_dev == theirs.st_dev &&
           ours.st_ino == theirs.st_ino;
}

/* The folder's own lock, where it takes one: a network file system may lock no folders. */
static int hold_folder(struct rt_lock *lock, const char *path, struct rt_error *err)
{
    const int fd = rt_system_open(lock->directory, O_RDONLY | O_DIRECTORY, 0);

    if (fd < 0)
        return rt_fail_errno(err, RT_EIO, errno, "cannot open the folder %s", lock->directory);
    if (!rt_system_flock(fd, lock->directory)) {
        lock->folder = fd;
        return RT_OK;
    }
    if (rt_lock_unsupported(errno) || errno == EBADF || errno == EINVAL) {
        close(fd);
        return RT_OK;
    }
    lock->busy = errno == EWOULDBLOCK;
    if (lock->busy)
        rt_fail(
            err, RT_EIO,
            "%s: in use by another process, though somebody removed this file; wait until it ends, or stop it",
            path);
    else
        rt_fail_errno(err, RT_EIO, errno, "%s: cannot lock", lock->directory);
    close(fd);
    return RT_EIO;
}

enum taken { TAKEN, REMOVED, NO_LOCKS, FAILED };

/* The file's lock. REMOVED: not the file at `path` any more, try again. */
static enum taken take_file(int *descriptor, struct rt_lock *lock, const char *path, struct rt_error *err)
{
    struct rt_holder holder;
    int fd, error;

    if (rt_entry_open(&fd, lock->directory, lock->name, RT_OPEN_UPDATE, err))
        return FAILED;
    if (!rt_system_lock(fd, path)) {
        if (is_current(fd, path)) {
            *descriptor = fd;
            return TAKEN;
        }
        close(fd);
        rt_fail(err, RT_EIO, "%s: other processes remove it again and again; try again", path);
        return REMOVED;
    }
    error = errno;
    holder = rt_holder_read(fd);
    close(fd);
    if (rt_lock_unsupported(error)) {
        rt_fail_errno(err, RT_EIO, error, "%s: cannot lock", path);
        errno = error;
        return NO_LOCKS;
    }
    lock->busy = error == EACCES || error == EAGAIN;
    if (lock->busy)
        rt_holder_refuse(path, &holder, err);
    else
        rt_fail_errno(err, RT_EIO, error, "%s: cannot lock", path);
    return FAILED;
}

static enum taken take_current_file(int *descriptor, struct rt_lock *lock, const char *path,
                                    struct rt_error *err)
{
    enum taken taken = REMOVED;

    for (int i = 0; i < TRIES && taken == REMOVED; i++)
        taken = take_file(descriptor, lock, path, err);
    return taken;
}

/* ---- without the kernel's locks ---- */

static void warn_once(const char *path)
{
    const int error = errno;

    if (rt_task_is_first(RT_REMARK_NO_LOCKS))
        rt_log_warn(
            "%s: this file system cannot lock (%s); the file names host and process instead, so start no "
            "second one from another machine",
            path, strerror(error));
}

/* What the file says, after waiting for one that is being written. *exists: whether it is there. */
static int look(struct rt_holder *holder, bool *exists, const struct rt_lock *lock, struct rt_error *err)
{
    *holder = (struct rt_holder){0};
    for (int i = 0; i < 2 && !holder->pid; i++) {
        int fd;

        *exists = rt_entry_look(lock->directory, lock->name) != RT_ENTRY_NONE;
        if (!*exists)
            return RT_OK;
        if (i)
            rt_clock_sleep_s(being_written_s);
        RT_TRY(rt_entry_open(&fd, lock->directory, lock->name, RT_OPEN_READ, err));
        *holder = rt_holder_read(fd);
        close(fd);
    }
    return RT_OK;
}

/* Takes away the file of a dead process; puts it back if it was another one's by then. */
static int clear_stale(const struct rt_lock *lock, const char *path, const struct rt_holder *stale,
                       struct rt_error *err)
{
    char aside[RT_PATH_MAX];
    struct rt_holder found = {0};
    int fd;

    RT_TRY(rt_path_temporary(aside, path, err));
    if (rt_path_rename(path, aside, err))
        return rt_path_exists(path) ? RT_EIO : RT_OK;
    if (!rt_entry_open(&fd, lock->directory, rt_path_name(aside), RT_OPEN_READ, NULL)) {
        found = rt_holder_read(fd);
        close(fd);
    }
    if (rt_holder_same(&found, stale))
        return rt_file_remove(aside, err);
    RT_TRY(rt_path_rename(aside, path, err));
    return rt_holder_refuse(path, &found, err);
}

static int take_by_name(struct rt_lock *lock, const char *path, struct rt_error *err)
{
    for (int i = 0; i < TRIES; i++) {
        struct rt_holder holder;
        bool exists;
        int fd, rc;

        RT_TRY(look(&holder, &exists, lock, err));
        if (holder.pid && !rt_holder_is_here(&holder))
            return rt_fail(
                err, RT_EIO,
                "%s: in use by process %ld of host %s, as the file says; this file system cannot lock: "
                "remove the file if that process is gone",
                path, holder.pid, holder.host);
        if ((lock->busy = rt_holder_is_living(&holder)))
            return rt_holder_refuse(path, &holder, err);
        if (exists)
            RT_TRY(clear_stale(lock, path, &holder, err));
        if ((fd = rt_system_open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0666)) < 0) {
            if (errno == EEXIST)
                continue; /* somebody was faster */
            return rt_fail_errno(err, RT_EIO, errno, "cannot write %s", path);
        }
        lock->by_name = true;
        rc = rt_holder_write(fd, path, err);
        if (!rc)
            rc = rt_file_sync(fd, path, err); /* other hosts read it */
        close(fd);
        return rc;
    }
    return rt_fail(err, RT_EIO, "%s: other processes take it again and again; try again", path);
}

/* ---- the module's functions ---- */

/* In possession of the file's lock: also of the folder's, unless a process that cannot lock is at work. */
static int settle(struct rt_lock *lock, const char *path, struct rt_error *err)
{
    const struct rt_holder holder = rt_holder_read(lock->file);

    lock->busy = holder.pid != getpid() && rt_holder_is_living(&holder) && holder.start;
    if (lock->busy)
        return rt_holder_refuse(path, &holder, err);
    if (hold_folder(lock, path, err)) {
        if (!holder.pid)
            rt_file_remove(path, NULL); /* just made */
        return RT_EIO;
    }
    return rt_holder_write(lock->file, path, err);
}

static void close_both(struct rt_lock *lock)
{
    if (lock->file >= 0)
        close(lock->file); /* gives the lock back */
    if (lock->folder >= 0)
        close(lock->folder);
    lock->file = lock->folder = -1;
    lock->held = lock->by_name = false;
}

/* Once. */
static int try_to_acquire(struct rt_lock *lock, const char *path, struct rt_error *err)
{
    int rc;

    lock->busy = false;
    switch (take_current_file(&lock->file, lock, path, err)) {
    case TAKEN:
        rc = settle(lock, path, err);
        break;
    case NO_LOCKS:
        warn_once(path);
        rc = take_by_name(lock, path, err);
        break;
    default:
        return RT_EIO;
    }
    if (rc)
        close_both(lock);
    lock->held = !rc;
    return rc;
}

/* Is the process that the file names about to let go? */
static bool is_being_released(const struct rt_lock *lock)
{
    struct rt_holder holder;
    int fd;

    if (rt_entry_open(&fd, lock->directory, lock->name, RT_OPEN_READ, NULL))
        return false;
    holder = rt_holder_read(fd);
    close(fd);
    return rt_holder_is_ending(&holder);
}

int rt_lock_acquire(struct rt_lock *lock, const char *folder, const char *name, struct rt_error *err)
{
    const double began = rt_clock_wall_s();
    char path[RT_PATH_MAX];
    int rc;

    *lock = (struct rt_lock){.file = -1, .folder = -1};
    RT_TRY(rt_path_join(lock->directory, "", *folder ? folder : ".", err));
    RT_TRY(rt_path_join(path, folder, name, err));
    if (!rt_copy_text(lock->name, sizeof lock->name, name))
        return rt_fail(err, RT_EIO, "%s: the name is too long for a lock", path);
    while ((rc = try_to_acquire(lock, path, err)) && lock->busy && is_being_released(lock) &&
           rt_clock_wall_s() - began < ending_s)
        rt_clock_sleep_s(ending_look_s);
    return rc;
}

/* Somebody removed the file, or put another one there. */
static int take_again(struct rt_lock *lock, const char *path, struct rt_error *err)
{
    struct rt_error why;
    int fd = -1, rc;

    if (lock->by_name)
        rc = take_by_name(lock, path, &why);
    else
        rc = take_current_file(&fd, lock, path, &why) == TAKEN ? rt_holder_write(fd, path, &why) : RT_EIO;
    if (rc) {
        if (fd >= 0)
            close(fd);
        return rt_fail(err, RT_EIO, "%.900s; the lock of this process was removed, so it stops here",
                       why.message);
    }
    if (fd >= 0) {
        close(lock->file);
        lock->file = fd;
    }
    rt_log_warn("%s: somebody removed it while it was in use; made again", path);
    return RT_OK;
}

int rt_lock_check(struct rt_lock *lock, struct rt_error *err)
{
    const struct rt_holder us = rt_holder_self();
    char path[RT_PATH_MAX];
    struct rt_holder holder;
    bool exists;

    if (!lock->held)
        return RT_OK;
    RT_TRY(rt_path_join(path, lock->directory, lock->name, err));
    if (lock->folder >= 0) {
        struct stat ours, theirs;

        if (fstat(lock->folder, &ours) || stat(lock->directory, &theirs) || ours.st_dev != theirs.st_dev ||
            ours.st_ino != theirs.st_ino)
            return rt_fail(err, RT_EIO,
                           "%s: not the folder any more in which this process began; it stops here",
                           lock->directory);
    }
    if (!lock->by_name && is_current(lock->file, path))
        return RT_OK;
    if (lock->by_name) {
        RT_TRY(look(&holder, &exists, lock, err));
        if (rt_holder_same(&holder, &us))
            return RT_OK;
    }
    return take_again(lock, path, err);
}

/* A holder without the kernel's locks leaves no file: on another host it could not be told from a live one's.
 */
static void release(struct rt_lock *lock, bool removing)
{
    char path[RT_PATH_MAX];
    struct rt_holder holder = {0};
    const struct rt_holder us = rt_holder_self();
    bool exists;

    if (!lock->held)
        return;
    if (!rt_path_join(path, lock->directory, lock->name, NULL)) {
        if (lock->by_name)
            removing = !look(&holder, &exists, lock, NULL) && rt_holder_same(&holder, &us);
        else if (removing)
            removing = is_current(lock->file, path);
        else if (ftruncate(lock->file, 0))
            removing = false; /* a dead holder's line does no harm */
        if (removing)
            rt_file_remove(path, NULL);
    }
    close_both(lock);
}

void rt_lock_release(struct rt_lock *lock)
{
    release(lock, false);
}

void rt_lock_remove(struct rt_lock *lock)
{
    release(lock, true);
}

pid_t rt_lock_holder(const char *folder, const char *name)
{
    struct rt_holder holder;
    int fd, blocked;

    /* To look is to read: runs of another user, or on a read-only disk, can be asked about too. */
    if (rt_entry_open(&fd, folder, name, RT_OPEN_READ, NULL))
        return 0;
    blocked = rt_system_is_locked(fd, name);
    holder = rt_holder_read(fd);
    close(fd);
    if (blocked > 0)
        return holder.pid && rt_holder_is_here(&holder) ? (pid_t)holder.pid : -1;
    if (holder.pid && !rt_holder_is_here(&holder))
        return blocked < 0 ? -1 : 0;
    return rt_holder_is_living(&holder) && holder.start ? (pid_t)holder.pid : 0;
}
