/* The system calls that touch the disk, behind one hook, so that a test can name each of them, make it fail,
 * cut it short, or kill the process before or after it. base/file.h is what the program uses; only it,
 * base/entry.h and base/path.h call these. Each behaves as its namesake (result, errno) and repeats itself on
 * EINTR, but for close, which counts as done. */
#ifndef RT_BASE_SYSTEM_H
#define RT_BASE_SYSTEM_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define RT_SYSTEM_CALLS(X)                                                                                     \
    X(open)                                                                                                    \
    X(read)                                                                                                    \
    X(write)                                                                                                   \
    X(fsync)                                                                                                   \
    X(close)                                                                                                   \
    X(rename)                                                                                                  \
    X(unlink)                                                                                                  \
    X(mkdir)                                                                                                   \
    X(truncate)                                                                                                \
    X(lock)

enum rt_system_call {
#define RT_SYSTEM_ENUM(name) RT_SYSTEM_##name,
    RT_SYSTEM_CALLS(RT_SYSTEM_ENUM)
#undef RT_SYSTEM_ENUM
};

struct rt_system_event {
    enum rt_system_call call;
    const char *path; /* of the file, or of what is renamed */
    bool after;       /* false: about to happen; true: has succeeded */
    size_t *count;    /* read and write: bytes wanted; the hook may lower it (not to 0). Else null. */
};

/* Called before each call (a result other than 0 is the errno with which the call then fails) and after each
 * that succeeded (the result is ignored). Null: no hook. Set before threads start. */
extern int (*rt_system_hook)(const struct rt_system_event *event);
const char *rt_system_call_name(enum rt_system_call call);

int rt_system_open(const char *path, int flags, mode_t mode);
int rt_system_openat(int folder, const char *name, int flags, mode_t mode, const char *path);
ssize_t rt_system_read(int fd, const char *path, void *bytes, size_t count);
ssize_t rt_system_write(int fd, const char *path, const void *bytes, size_t count);
int rt_system_fsync(int fd, const char *path);
int rt_system_close(int fd, const char *path);
int rt_system_rename(const char *from, const char *to);
int rt_system_exchange(const char *one, const char *other); /* each gets the other's name, at once */
int rt_system_unlinkat(int folder, const char *name, int flags, const char *path); /* also rmdir */
int rt_system_mkdir(const char *path, mode_t mode);
int rt_system_ftruncate(int fd, const char *path, off_t size);

/* For everybody: random bytes from the kernel, all of them; waits while it has none yet, early after the
 * machine's start. */
int rt_system_random(void *bytes, size_t size);

/* An exclusive lock on the whole file of the open file description (of the process where the system has no such
 * locks), and with flock on an open folder; neither waits: EACCES, EAGAIN or EWOULDBLOCK when another holds
 * one. */
int rt_system_lock(int fd, const char *path);
int rt_system_flock(int fd, const char *path);
int rt_system_is_locked(int fd, const char *path); /* by another: 1, 0, or -1 with errno */

#endif
