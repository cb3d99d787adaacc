#include "base/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/entry.h"
#include "base/file.h"
#include "base/log.h"
#include "base/system.h"
#include "base/text.h"

enum { HOST_MAX = 65, LINE_MAX_BYTES = 128, TRIES = 100 };
static const double being_written_s = 0.2; /* a lock file that is empty for longer is nobody's */

bool rt_lock_unsupported(int error)
{
    return error == ENOSYS || error == ENOLCK || error == EOPNOTSUPP;
}

/* ---- who holds it, as the file says ---- */

struct holder {
    long pid; /* 0: the file does not say */
    char host[HOST_MAX];
    unsigned long long start; /* 0: unknown */
};

static const char host_letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";

static void name_host(char host[HOST_MAX])
{
    if (gethostname(host, HOST_MAX - 1) || !*host || strspn(host, host_letters) < strlen(host))
        snprintf(host, HOST_MAX, "localhost");
    host[HOST_MAX - 1] = '\0';
}

/* The 22nd field of /proc/PID/stat; the second one, the name, may hold blanks and parentheses. */
static unsigned long long start_of(long pid)
{
    char path[64], line[1024], *at;
    unsigned long long start = 0;
    ssize_t got;
    int fd;

    snprintf(path, sizeof path, "/proc/%ld/stat", pid);
    if ((fd = open(path, O_RDONLY | O_CLOEXEC)) < 0)
        return 0;
    got = read(fd, line, sizeof line - 1);
    close(fd);
    line[got > 0 ? got : 0] = '\0';
    at = strrchr(line, ')');
    if (!at ||
        sscanf(at + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu",
               &start) != 1)
        return 0;
    return start;
}

static struct holder ourselves(void)
{
    struct holder holder = {.pid = getpid(), .start = start_of(getpid())};

    name_host(holder.host);
    return holder;
}

static bool same_holder(const struct holder *a, const struct holder *b)
{
    return a->pid == b->pid && a->start == b->start && !strcmp(a->host, b->host);
}

static struct holder read_holder(int descriptor)
{
    struct holder holder = {0};
    char line[LINE_MAX_BYTES];
    const ssize_t got = pread(descriptor, line, sizeof line - 1, 0);

    line[got > 0 ? got : 0] = '\0';
    if (sscanf(line, "%ld %64s %llu", &holder.pid, holder.host, &holder.start) < 2 || holder.pid <= 0 ||
        strspn(holder.host, host_letters) < strlen(holder.host))
        return (struct holder){0};
    return holder;
}

static bool is_here(const struct holder *holder)
{
    char host[HOST_MAX];

    name_host(host);
    return !strcmp(holder->host, host);
}

/* A living process of this host, and not a later one of the same number. */
static bool is_living(const struct holder *holder)
{
    unsigned long long start;

    if (!holder->pid || !is_here(holder) || (kill((pid_t)holder->pid, 0) && errno != EPERM))
        return false;
    start = start_of(holder->pid);
    return !holder->start || !start || start == holder->start;
}

static int refuse(const char *path, const struct holder *holder, struct rt_error *err)
{
    if (!holder->pid)
        return rt_fail(err, RT_EIO, "%s: in use by another process; wait until it ends, or stop it", path);
    if (is_here(holder))
        return rt_fail(err, RT_EIO, "%s: in use by process %ld; wait until it ends, or stop it", path,
                       holder->pid);
    return rt_fail(err, RT_EIO, "%s: in use by process %ld of host %s; wait until it ends, or stop it", path,
                   holder->pid, holder->host);
}

static int write_holder(int descriptor, const char *path, struct rt_error *err)
{
    const struct holder holder = ourselves();
    char line[LINE_MAX_BYTES];
    const int length = snprintf(line, sizeof line, "%ld %s %llu\n", holder.pid, holder.host, holder.start);

    if (ftruncate(descriptor, 0) || pwrite(descriptor, line, (size_t)length, 0) != length)
        return rt_fail_errno(err, RT_EIO, errno, "%s: cannot write", path);
    return RT_OK;
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
    if (errno == EWOULDBLOCK)
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
static enum taken take_file(int *descriptor, const struct rt_lock *lock, const char *path, struct rt_error *err)
{
    struct holder holder;
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
    holder = read_holder(fd);
    close(fd);
    if (rt_lock_unsupported(error)) {
        rt_fail_errno(err, RT_EIO, error, "%s: cannot lock", path);
        errno = error;
        return NO_LOCKS;
    }
    if (error == EACCES || error == EAGAIN)
        refuse(path, &holder, err);
    else
        rt_fail_errno(err, RT_EIO, error, "%s: cannot lock", path);
    return FAILED;
}

static enum taken take_current_file(int *descriptor, const struct rt_lock *lock, const char *path,
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
    static atomic_flag warned = ATOMIC_FLAG_INIT;

    if (!atomic_flag_test_and_set(&warned))
        rt_log_warn(
            "%s: this file system cannot lock (%s); the file names host and process instead, so start no "
            "second one from another machine",
            path, strerror(errno));
}

/* What the file says, after waiting for one that is being written. *exists: whether it is there. */
static int look(struct holder *holder, bool *exists, const struct rt_lock *lock, struct rt_error *err)
{
    *holder = (struct holder){0};
    for (int i = 0; i < 2 && !holder->pid; i++) {
        int fd;

        *exists = rt_entry_look(lock->directory, lock->name) != RT_ENTRY_NONE;
        if (!*exists)
            return RT_OK;
        if (i)
            rt_clock_sleep_s(being_written_s);
        RT_TRY(rt_entry_open(&fd, lock->directory, lock->name, RT_OPEN_READ, err));
        *holder = read_holder(fd);
        close(fd);
    }
    return RT_OK;
}

/* Takes away the file of a dead process; puts it back if it was another one's by then. */
static int clear_stale(const struct rt_lock *lock, const char *path, const struct holder *stale,
                       struct rt_error *err)
{
    char aside[RT_PATH_MAX];
    struct holder found = {0};
    int fd;

    RT_TRY(rt_path_temporary(aside, path, err));
    if (rt_path_rename(path, aside, err))
        return rt_path_exists(path) ? RT_EIO : RT_OK;
    if (!rt_entry_open(&fd, lock->directory, rt_path_name(aside), RT_OPEN_READ, NULL)) {
        found = read_holder(fd);
        close(fd);
    }
    if (same_holder(&found, stale))
        return rt_file_remove(aside, err);
    RT_TRY(rt_path_rename(aside, path, err));
    return refuse(path, &found, err);
}

static int take_by_name(struct rt_lock *lock, const char *path, struct rt_error *err)
{
    for (int i = 0; i < TRIES; i++) {
        struct holder holder;
        bool exists;
        int fd, rc;

        RT_TRY(look(&holder, &exists, lock, err));
        if (holder.pid && !is_here(&holder))
            return rt_fail(
                err, RT_EIO,
                "%s: in use by process %ld of host %s, as the file says; this file system cannot lock: "
                "remove the file if that process is gone",
                path, holder.pid, holder.host);
        if (is_living(&holder))
            return refuse(path, &holder, err);
        if (exists)
            RT_TRY(clear_stale(lock, path, &holder, err));
        if ((fd = rt_system_open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0666)) < 0) {
            if (errno == EEXIST)
                continue; /* somebody was faster */
            return rt_fail_errno(err, RT_EIO, errno, "cannot write %s", path);
        }
        lock->by_name = true;
        rc = write_holder(fd, path, err);
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
    const struct holder holder = read_holder(lock->file);

    if (holder.pid != getpid() && is_living(&holder) && holder.start)
        return refuse(path, &holder, err);
    if (hold_folder(lock, path, err)) {
        if (!holder.pid)
            rt_file_remove(path, NULL); /* just made */
        return RT_EIO;
    }
    return write_holder(lock->file, path, err);
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

int rt_lock_acquire(struct rt_lock *lock, const char *folder, const char *name, struct rt_error *err)
{
    char path[RT_PATH_MAX];
    int rc;

    *lock = (struct rt_lock){.file = -1, .folder = -1};
    RT_TRY(rt_path_join(lock->directory, "", *folder ? folder : ".", err));
    RT_TRY(rt_path_join(path, folder, name, err));
    if (!rt_copy_text(lock->name, sizeof lock->name, name))
        return rt_fail(err, RT_EIO, "%s: the name is too long for a lock", path);
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

/* Somebody removed the file, or put another one there. */
static int take_again(struct rt_lock *lock, const char *path, struct rt_error *err)
{
    struct rt_error why;
    int fd = -1, rc;

    if (lock->by_name)
        rc = take_by_name(lock, path, &why);
    else
        rc = take_current_file(&fd, lock, path, &why) == TAKEN ? write_holder(fd, path, &why) : RT_EIO;
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
    const struct holder us = ourselves();
    char path[RT_PATH_MAX];
    struct holder holder;
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
        if (same_holder(&holder, &us))
            return RT_OK;
    }
    return take_again(lock, path, err);
}

/* A holder without the kernel's locks leaves no file: on another host it could not be told from a live one's.
 */
static void release(struct rt_lock *lock, bool removing)
{
    char path[RT_PATH_MAX];
    struct holder holder = {0};
    const struct holder us = ourselves();
    bool exists;

    if (!lock->held)
        return;
    if (!rt_path_join(path, lock->directory, lock->name, NULL)) {
        if (lock->by_name)
            removing = !look(&holder, &exists, lock, NULL) && same_holder(&holder, &us);
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
    struct holder holder;
    int fd, blocked;

    /* To look is to read: runs of another user, or on a read-only disk, can be asked about too. */
    if (rt_entry_open(&fd, folder, name, RT_OPEN_READ, NULL))
        return 0;
    blocked = rt_system_is_locked(fd, name);
    holder = read_holder(fd);
    close(fd);
    if (blocked > 0)
        return holder.pid && is_here(&holder) ? (pid_t)holder.pid : -1;
    if (holder.pid && !is_here(&holder))
        return blocked < 0 ? -1 : 0;
    return is_living(&holder) && holder.start ? (pid_t)holder.pid : 0;
}
