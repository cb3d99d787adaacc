#include "bench/fork.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/memory.h"

/* What comes before the result. */
struct verdict {
    int rc;
    struct rt_error error;
};

static bool write_whole(int fd, const void *bytes, size_t size)
{
    for (const char *at = bytes; size;) {
        const ssize_t written = write(fd, at, size);

        if (written < 0 && errno != EINTR)
            return false;
        if (written > 0) {
            at += written;
            size -= (size_t)written;
        }
    }
    return true;
}

static bool read_whole(int fd, void *bytes, size_t size)
{
    for (char *at = bytes; size;) {
        const ssize_t got = read(fd, at, size);

        if (got == 0 || (got < 0 && errno != EINTR))
            return false;
        if (got > 0) {
            at += got;
            size -= (size_t)got;
        }
    }
    return true;
}

/* In the fork: never returns. */
static void work_in_child(int (*work)(void *context, void *result, struct rt_error *err), void *context,
                          size_t size, pid_t parent, int to)
{
    struct verdict verdict = {0};

    void *result = NULL;

    if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent)
        _exit(1);
    verdict.rc = rt_alloc(&result, 1, size, "a result", &verdict.error);
    if (!verdict.rc)
        verdict.rc = work(context, result, &verdict.error);
    if (write_whole(to, &verdict, sizeof verdict) && (verdict.rc || write_whole(to, result, size)))
        _exit(0);
    _exit(1);
}

int rt_fork_start(struct rt_fork *forked, int (*work)(void *context, void *result, struct rt_error *err),
                  void *context, size_t size, struct rt_error *err)
{
    const pid_t parent = getpid();
    int ends[2];
    pid_t child;

    *forked = (struct rt_fork){0};
    fflush(NULL); /* or the fork would have what is buffered too */
    if (pipe2(ends, O_CLOEXEC))
        return rt_fail_errno(err, RT_EIO, errno, "cannot make a pipe");
    child = fork();
    if (child == 0)
        work_in_child(work, context, size, parent, ends[1]);
    close(ends[1]);
    if (child < 0) {
        close(ends[0]);
        return rt_fail_errno(err, RT_EIO, errno, "cannot fork");
    }
    *forked = (struct rt_fork){child, ends[0]};
    return RT_OK;
}

int rt_fork_finish(struct rt_fork *forked, void *result, size_t size, struct rt_error *err)
{
    struct verdict verdict = {0};
    const bool heard = read_whole(forked->from, &verdict, sizeof verdict) &&
                       (verdict.rc || read_whole(forked->from, result, size));
    int status = 0;

    close(forked->from);
    while (waitpid(forked->child, &status, 0) < 0 && errno == EINTR)
        ;
    *forked = (struct rt_fork){0};
    if (!heard)
        return rt_fail(err, RT_EIO, "a fork of this process died (%s %d)",
                       WIFSIGNALED(status) ? "signal" : "status",
                       WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    if (verdict.rc && err)
        *err = verdict.error;
    return verdict.rc;
}
