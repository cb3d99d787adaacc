#include "run/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* The process that keeps us from the lock; 0 when there is none, -1 when the kernel cannot say which. */
static pid_t blocking_process(int descriptor)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

    if (fcntl(descriptor, F_GETLK, &whole) || whole.l_type == F_UNLCK)
        return 0;
    return whole.l_pid > 0 ? whole.l_pid : -1;
}

static int refuse(int descriptor, const char *path, struct rt_error *err)
{
    const pid_t holder = blocking_process(descriptor);
    char who[64] = "another process";

    if (holder > 0)
        snprintf(who, sizeof who, "process %ld", (long)holder);
    return rt_fail(err, RT_EIO, "%s: in use by %s; wait until it ends, or stop it", path, who);
}

/* Is the open file still the one at `path`? A holder may have removed it between our open and our lock. */
static bool is_current(int descriptor, const char *path)
{
    struct stat ours, theirs;

    return !fstat(descriptor, &ours) && !stat(path, &theirs) && ours.st_dev == theirs.st_dev &&
           ours.st_ino == theirs.st_ino;
}

static int write_holder(int descriptor, const char *path, struct rt_error *err)
{
    char line[32];
    const int length = snprintf(line, sizeof line, "%ld\n", (long)getpid());

    if (ftruncate(descriptor, 0) || pwrite(descriptor, line, (size_t)length, 0) != length)
        return rt_fail_errno(err, RT_EIO, errno, "%s: cannot write", path);
    return RT_OK;
}

int rt_lock_acquire(struct rt_lock *lock, const char *path, struct rt_error *err)
{
    const struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    const int descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
    int rc = RT_OK;

    *lock = (struct rt_lock){-1};
    if (descriptor < 0)
        return rt_fail_errno(err, RT_EIO, errno, "%s: cannot open", path);
    if (!fcntl(descriptor, F_SETLK, &whole) && !is_current(descriptor, path))
        rc = rt_fail(err, RT_EIO, "%s: removed by another process just now; try again", path);
    else if (!fcntl(descriptor, F_SETLK, &whole))
        rc = write_holder(descriptor, path, err);
    else if (errno == EACCES || errno == EAGAIN)
        rc = refuse(descriptor, path, err);
    else
        rc = rt_fail_errno(err, RT_EIO, errno, "%s: cannot lock", path);
    if (rc)
        close(descriptor);
    else
        lock->descriptor = descriptor;
    return rc;
}

void rt_lock_release(struct rt_lock *lock)
{
    if (lock->descriptor > 0)
        close(lock->descriptor); /* gives the lock back */
    lock->descriptor = -1;
}

pid_t rt_lock_holder(const char *path)
{
    /* To look is to read: runs of another user, or on a read-only disk, can be asked about too. */
    const int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    pid_t holder;

    if (descriptor < 0)
        return 0;
    holder = blocking_process(descriptor);
    close(descriptor);
    return holder;
}
