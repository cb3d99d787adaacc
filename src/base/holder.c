#include "base/holder.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 128, PF_EXITING = 4 };

static const char host_letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";

static void name_host(char host[RT_HOST_MAX])
{
    if (gethostname(host, RT_HOST_MAX - 1) || !*host || strspn(host, host_letters) < strlen(host))
        snprintf(host, RT_HOST_MAX, "localhost");
    host[RT_HOST_MAX - 1] = '\0';
}

/* What /proc/PID/stat says. */
struct process {
    char state;
    unsigned flags; /* the kernel's PF_ */
    long threads;
    unsigned long long start;
};

/* False: there is no such process, or no /proc. The second field, the name, may hold blanks and parentheses. */
static bool look_up(struct process *process, long pid)
{
    char path[64], line[1024], *at;
    ssize_t got;
    int fd;

    snprintf(path, sizeof path, "/proc/%ld/stat", pid);
    if ((fd = open(path, O_RDONLY | O_CLOEXEC)) < 0)
        return false;
    got = read(fd, line, sizeof line - 1);
    close(fd);
    line[got > 0 ? got : 0] = '\0';
    at = strrchr(line, ')');
    return at &&
           sscanf(at + 1, " %c %*d %*d %*d %*d %*d %u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %ld %*d %llu",
                  &process->state, &process->flags, &process->threads, &process->start) == 4;
}

struct rt_holder rt_holder_self(void)
{
    struct rt_holder holder = {.pid = getpid()};
    struct process process;

    if (look_up(&process, holder.pid))
        holder.start = process.start;
    name_host(holder.host);
    return holder;
}

bool rt_holder_same(const struct rt_holder *a, const struct rt_holder *b)
{
    return a->pid == b->pid && a->start == b->start && !strcmp(a->host, b->host);
}

struct rt_holder rt_holder_read(int descriptor)
{
    struct rt_holder holder = {0};
    char line[LINE_MAX_BYTES];
    const ssize_t got = pread(descriptor, line, sizeof line - 1, 0);

    line[got > 0 ? got : 0] = '\0';
    if (sscanf(line, "%ld %64s %llu", &holder.pid, holder.host, &holder.start) < 2 || holder.pid <= 0 ||
        strspn(holder.host, host_letters) < strlen(holder.host))
        return (struct rt_holder){0};
    return holder;
}

int rt_holder_write(int descriptor, const char *path, struct rt_error *err)
{
    const struct rt_holder holder = rt_holder_self();
    char line[LINE_MAX_BYTES];
    const int length = snprintf(line, sizeof line, "%ld %s %llu\n", holder.pid, holder.host, holder.start);

    if (ftruncate(descriptor, 0) || pwrite(descriptor, line, (size_t)length, 0) != length)
        return rt_fail_errno(err, RT_EIO, errno, "%s: cannot write", path);
    return RT_OK;
}

bool rt_holder_is_here(const struct rt_holder *holder)
{
    char host[RT_HOST_MAX];

    name_host(host);
    return !strcmp(holder->host, host);
}

/* A process whose first thread alone has ended is a zombie too: its other threads still count. */
static bool has_ended(const struct process *process)
{
    return strchr("ZXx", process->state) && process->threads <= 1;
}

static bool is_another(const struct rt_holder *holder, const struct process *process)
{
    return holder->start && process->start && process->start != holder->start;
}

bool rt_holder_is_living(const struct rt_holder *holder)
{
    struct process process;

    if (!holder->pid || !rt_holder_is_here(holder) || (kill((pid_t)holder->pid, 0) && errno != EPERM))
        return false;
    return !look_up(&process, holder->pid) || !(has_ended(&process) || is_another(holder, &process));
}

bool rt_holder_is_ending(const struct rt_holder *holder)
{
    struct process process;

    if (!holder->pid || !rt_holder_is_here(holder))
        return false;
    if (!rt_holder_is_living(holder))
        return true;
    return look_up(&process, holder->pid) && (strchr("ZXx", process.state) || process.flags & PF_EXITING);
}

int rt_holder_refuse(const char *path, const struct rt_holder *holder, struct rt_error *err)
{
    if (!holder->pid)
        return rt_fail(err, RT_EIO, "%s: in use by another process; wait until it ends, or stop it", path);
    if (rt_holder_is_here(holder))
        return rt_fail(err, RT_EIO, "%s: in use by process %ld; wait until it ends, or stop it", path,
                       holder->pid);
    return rt_fail(err, RT_EIO, "%s: in use by process %ld of host %s; wait until it ends, or stop it", path,
                   holder->pid, holder->host);
}
