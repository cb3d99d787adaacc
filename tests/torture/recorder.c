/* LD_PRELOAD: appends to the file RT_RECORD every call that changes files under the folder RT_RECORD_ROOT, or
 * syncs them, after it has succeeded:
 *
 *     PID CALL FD NUMBER LENGTH1 LENGTH2 SIZE\n  path1  path2  data
 *
 * path1 and path2 are absolute. NUMBER is a file's flags (open), size (truncate) or offset (write; -1: at the
 * end of the file). power.py plays them back. */
#undef _FILE_OFFSET_BITS /* both names of each call are wanted here, not one for the other */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define REAL(name, ...) ((__typeof__(&name))find_real(#name))(__VA_ARGS__)

static void *find_real(const char *name)
{
    void *const found = dlsym(RTLD_NEXT, name);

    if (!found)
        abort();
    return found;
}

static int log_fd(void)
{
    static int fd = -1;

    if (fd < 0 && getenv("RT_RECORD"))
        fd = (int)syscall(SYS_openat, AT_FDCWD, getenv("RT_RECORD"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC,
                          0666);
    return fd;
}

/* The absolute path of what a descriptor is open on; "" where it has none. */
static void path_of(int fd, char path[PATH_MAX])
{
    char link[64];
    ssize_t length;

    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    length = readlink(link, path, PATH_MAX - 1);
    path[length > 0 ? length : 0] = '\0';
}

static void absolute(int folder, const char *name, char path[PATH_MAX])
{
    char at[PATH_MAX];

    if (*name == '/') {
        snprintf(path, PATH_MAX, "%s", name);
        return;
    }
    if (folder == AT_FDCWD) {
        if (!getcwd(at, sizeof at))
            abort();
    } else {
        path_of(folder, at);
    }
    if (snprintf(path, PATH_MAX, "%s/%s", at, name) >= PATH_MAX)
        abort();
}

static bool is_inside(const char *path)
{
    const char *const root = getenv("RT_RECORD_ROOT");

    return root && !strncmp(path, root, strlen(root));
}

static void record(const char *call, int fd, long long number, const char *one, const char *other,
                   const void *data, size_t size)
{
    const int saved = errno;
    char head[200];
    struct iovec parts[4] = {{.iov_base = head},
                             {(void *)(size_t)one, strlen(one)},
                             {(void *)(size_t)other, strlen(other)},
                             {(void *)(size_t)data, size}};
    ssize_t whole = 0;

    if (log_fd() < 0 || !(is_inside(one) || is_inside(other)))
        return;
    parts[0].iov_len = (size_t)snprintf(head, sizeof head, "%ld %s %d %lld %zu %zu %zu\n", (long)getpid(), call,
                                        fd, number, strlen(one), strlen(other), size);
    for (int i = 0; i < 4; i++)
        whole += (ssize_t)parts[i].iov_len;
    if (syscall(SYS_writev, log_fd(), parts, 4) != whole)
        abort();
    errno = saved;
}

/* ---- opening: what writes, and folders, which are synced */

static int record_open(int fd, int folder, const char *name, int flags)
{
    char path[PATH_MAX];

    if (fd < 0 || !((flags & O_ACCMODE) != O_RDONLY || (flags & O_DIRECTORY)) || (flags & O_PATH))
        return fd;
    absolute(folder, name, path);
    record("open", fd, flags, path, "", NULL, 0);
    return fd;
}

static mode_t mode_of(int flags, va_list arguments)
{
    return flags & (O_CREAT | __O_TMPFILE) ? va_arg(arguments, mode_t) : 0;
}

#define OPEN(name)                                                                                             \
    int name(const char *path, int flags, ...)                                                                 \
    {                                                                                                          \
        va_list arguments;                                                                                     \
        mode_t mode;                                                                                           \
                                                                                                               \
        va_start(arguments, flags);                                                                            \
        mode = mode_of(flags, arguments);                                                                      \
        va_end(arguments);                                                                                     \
        return record_open(REAL(name, path, flags, mode), AT_FDCWD, path, flags);                              \
    }
#define OPENAT(name)                                                                                           \
    int name(int folder, const char *path, int flags, ...)                                                     \
    {                                                                                                          \
        va_list arguments;                                                                                     \
        mode_t mode;                                                                                           \
                                                                                                               \
        va_start(arguments, flags);                                                                            \
        mode = mode_of(flags, arguments);                                                                      \
        va_end(arguments);                                                                                     \
        return record_open(REAL(name, folder, path, flags, mode), folder, path, flags);                        \
    }
OPEN(open)
OPEN(open64)
OPENAT(openat)
OPENAT(openat64)

/* ---- contents */

ssize_t write(int fd, const void *bytes, size_t count)
{
    const ssize_t put = REAL(write, fd, bytes, count);
    char path[PATH_MAX];

    path_of(fd, path);
    if (put > 0)
        record("write", fd, fcntl(fd, F_GETFL) & O_APPEND ? -1 : lseek(fd, 0, SEEK_CUR) - put, path, "", bytes,
               (size_t)put);
    return put;
}

#define PWRITE(name, offset_type)                                                                              \
    ssize_t name(int fd, const void *bytes, size_t count, offset_type offset)                                  \
    {                                                                                                          \
        const ssize_t put = REAL(name, fd, bytes, count, offset);                                              \
        char path[PATH_MAX];                                                                                   \
                                                                                                               \
        path_of(fd, path);                                                                                     \
        if (put > 0)                                                                                           \
            record("write", fd, offset, path, "", bytes, (size_t)put);                                         \
        return put;                                                                                            \
    }
PWRITE(pwrite, off_t)
PWRITE(pwrite64, off64_t)

#define ON_DESCRIPTOR(name, call, number, parameters, ...)                                                     \
    int name parameters                                                                                        \
    {                                                                                                          \
        const int result = REAL(name, __VA_ARGS__);                                                            \
        char path[PATH_MAX];                                                                                   \
                                                                                                               \
        path_of(fd, path);                                                                                     \
        if (!result)                                                                                           \
            record(call, fd, number, path, "", NULL, 0);                                                       \
        return result;                                                                                         \
    }
ON_DESCRIPTOR(ftruncate, "truncate", size, (int fd, off_t size), fd, size)
ON_DESCRIPTOR(ftruncate64, "truncate", size, (int fd, off64_t size), fd, size)
ON_DESCRIPTOR(fsync, "sync", 0, (int fd), fd)
ON_DESCRIPTOR(fdatasync, "sync", 0, (int fd), fd)

/* ---- names */

static int record_rename(int result, int from_folder, const char *from, int to_folder, const char *to,
                         unsigned flags)
{
    char one[PATH_MAX], other[PATH_MAX];

    if (result)
        return result;
    absolute(from_folder, from, one);
    absolute(to_folder, to, other);
    record(flags & RENAME_EXCHANGE ? "exchange" : "rename", -1, 0, one, other, NULL, 0);
    return 0;
}

int rename(const char *from, const char *to)
{
    return record_rename(REAL(rename, from, to), AT_FDCWD, from, AT_FDCWD, to, 0);
}

int renameat(int from_folder, const char *from, int to_folder, const char *to)
{
    return record_rename(REAL(renameat, from_folder, from, to_folder, to), from_folder, from, to_folder, to, 0);
}

int renameat2(int from_folder, const char *from, int to_folder, const char *to, unsigned flags)
{
    return record_rename(REAL(renameat2, from_folder, from, to_folder, to, flags), from_folder, from, to_folder,
                         to, flags);
}

static int record_name(int result, const char *call, int folder, const char *name)
{
    char path[PATH_MAX];

    if (result)
        return result;
    absolute(folder, name, path);
    record(call, -1, 0, path, "", NULL, 0);
    return 0;
}

int unlink(const char *name)
{
    return record_name(REAL(unlink, name), "remove", AT_FDCWD, name);
}

int rmdir(const char *name)
{
    return record_name(REAL(rmdir, name), "remove", AT_FDCWD, name);
}

int unlinkat(int folder, const char *name, int flags)
{
    return record_name(REAL(unlinkat, folder, name, flags), "remove", folder, name);
}

int mkdir(const char *name, mode_t mode)
{
    return record_name(REAL(mkdir, name, mode), "mkdir", AT_FDCWD, name);
}

int mkdirat(int folder, const char *name, mode_t mode)
{
    return record_name(REAL(mkdirat, folder, name, mode), "mkdir", folder, name);
}
