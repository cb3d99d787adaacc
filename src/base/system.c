#include "base/system.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

int (*rt_system_hook)(const struct rt_system_event *event);

const char *rt_system_call_name(enum rt_system_call call)
{
    static const char *const names[] = {
#define RT_SYSTEM_NAME(name) #name,
        RT_SYSTEM_CALLS(RT_SYSTEM_NAME)
#undef RT_SYSTEM_NAME
    };

    return names[call];
}

/* True if the call may proceed; otherwise errno is set. */
static bool before(enum rt_system_call call, const char *path, size_t *count)
{
    int refused;

    if (!rt_system_hook)
        return true;
    refused = rt_system_hook(&(struct rt_system_event){call, path, false, count});
    if (refused)
        errno = refused;
    return !refused;
}

static void after(enum rt_system_call call, const char *path, long result)
{
    const int saved = errno;

    if (rt_system_hook && result >= 0)
        rt_system_hook(&(struct rt_system_event){call, path, true, NULL});
    errno = saved;
}

int rt_system_openat(int folder, const char *name, int flags, mode_t mode, const char *path)
{
    int fd;

    do
        fd = before(RT_SYSTEM_open, path, NULL) ? openat(folder, name, flags | O_CLOEXEC, mode) : -1;
    while (fd < 0 && errno == EINTR);
    after(RT_SYSTEM_open, path, fd);
    return fd;
}

int rt_system_open(const char *path, int flags, mode_t mode)
{
    return rt_system_openat(AT_FDCWD, path, flags, mode, path);
}

ssize_t rt_system_read(int fd, const char *path, void *bytes, size_t count)
{
    ssize_t got;

    do
        got = before(RT_SYSTEM_read, path, &count) ? read(fd, bytes, count) : -1;
    while (got < 0 && errno == EINTR);
    after(RT_SYSTEM_read, path, (long)got);
    return got;
}

ssize_t rt_system_write(int fd, const char *path, const void *bytes, size_t count)
{
    ssize_t put;

    do
        put = before(RT_SYSTEM_write, path, &count) ? write(fd, bytes, count) : -1;
    while (put < 0 && errno == EINTR);
    after(RT_SYSTEM_write, path, (long)put);
    return put;
}

int rt_system_fsync(int fd, const char *path)
{
    int result;

    do
        result = before(RT_SYSTEM_fsync, path, NULL) ? fsync(fd) : -1;
    while (result < 0 && errno == EINTR);
    after(RT_SYSTEM_fsync, path, result);
    return result;
}

/* Not repeated on EINTR: Linux has closed the descriptor by then. */
int rt_system_close(int fd, const char *path)
{
    const bool allowed = before(RT_SYSTEM_close, path, NULL);
    const int refused = errno;
    int result = close(fd);

    if (!allowed) {
        errno = refused;
        result = -1;
    }
    if (result < 0 && errno == EINTR)
        result = 0;
    after(RT_SYSTEM_close, path, result);
    return result;
}

int rt_system_rename(const char *from, const char *to)
{
    int result;

    do
        result = before(RT_SYSTEM_rename, from, NULL) ? rename(from, to) : -1;
    while (result < 0 && errno == EINTR); /* of file systems in user space */
    after(RT_SYSTEM_rename, from, result);
    return result;
}

int rt_system_exchange(const char *one, const char *other)
{
    int result;

    do
        result = before(RT_SYSTEM_rename, one, NULL)
                     ? renameat2(AT_FDCWD, one, AT_FDCWD, other, RENAME_EXCHANGE)
                     : -1;
    while (result < 0 && errno == EINTR);
    after(RT_SYSTEM_rename, one, result);
    return result;
}

int rt_system_unlinkat(int folder, const char *name, int flags, const char *path)
{
    int result;

    do
        result = before(RT_SYSTEM_unlink, path, NULL) ? unlinkat(folder, name, flags) : -1;
    while (result < 0 && errno == EINTR); /* of file systems in user space */
    after(RT_SYSTEM_unlink, path, result);
    return result;
}

int rt_system_mkdir(const char *path, mode_t mode)
{
    int result;

    do
        result = before(RT_SYSTEM_mkdir, path, NULL) ? mkdir(path, mode) : -1;
    while (result < 0 && errno == EINTR); /* of file systems in user space */
    after(RT_SYSTEM_mkdir, path, result);
    return result;
}

int rt_system_ftruncate(int fd, const char *path, off_t size)
{
    int result;

    do
        result = before(RT_SYSTEM_truncate, path, NULL) ? ftruncate(fd, size) : -1;
    while (result < 0 && errno == EINTR);
    after(RT_SYSTEM_truncate, path, result);
    return result;
}

/* Systems before Linux 3.15 know no locks of open file descriptions. */
static int lock_description(int fd, int command, int old_command, struct flock *whole)
{
    int result = fcntl(fd, command, whole);

    if (result < 0 && errno == EINVAL)
        result = fcntl(fd, old_command, whole);
    return result;
}

int rt_system_lock(int fd, const char *path)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int result;

    do
        result = before(RT_SYSTEM_lock, path, NULL) ? lock_description(fd, F_OFD_SETLK, F_SETLK, &whole) : -1;
    while (result < 0 && errno == EINTR);
    after(RT_SYSTEM_lock, path, result);
    return result;
}

int rt_system_flock(int fd, const char *path)
{
    int result;

    do
        result = before(RT_SYSTEM_lock, path, NULL) ? flock(fd, LOCK_EX | LOCK_NB) : -1;
    while (result < 0 && errno == EINTR);
    after(RT_SYSTEM_lock, path, result);
    return result;
}

int rt_system_is_locked(int fd, const char *path)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

    if (!before(RT_SYSTEM_lock, path, NULL) || lock_description(fd, F_OFD_GETLK, F_GETLK, &whole))
        return -1;
    return whole.l_type != F_UNLCK;
}

int rt_system_random(void *bytes, size_t size)
{
    for (size_t drawn = 0; drawn < size;) {
        const ssize_t part = getrandom((char *)bytes + drawn, size - drawn, 0);

        if (part < 0 && errno != EINTR)
            return -1;
        drawn += part > 0 ? (size_t)part : 0;
    }
    return 0;
}
