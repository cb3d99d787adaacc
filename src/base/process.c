#include "base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/wait.h>
#include <unistd.h>

int rt_process_occupy_standard_descriptors(struct rt_error *err)
{
    static const int modes[] = {O_RDONLY, O_RDONLY, O_RDWR};

    for (int fd = 0; fd <= 2; fd++) {
        if (fcntl(fd, F_GETFD) >= 0 || errno != EBADF)
            continue;
        if (open("/dev/null", modes[fd]) != fd) /* the lowest free number: those below are taken */
            return rt_fail_errno(err, RT_EIO, errno,
                                 "descriptor %d is closed, and /dev/null cannot stand in for it", fd);
    }
    return RT_OK;
}

/* In the child; never returns. A failure's errno goes down the `report` pipe, which a successful exec closes.
 */
static void become(const char *const argv[], const char *directory, int output, int report)
{
    const int null = open("/dev/null", O_RDONLY);

    if ((!directory || chdir(directory) == 0) && null >= 0 && dup2(null, 0) == 0 && dup2(output, 1) == 1 &&
        dup2(output, 2) == 2)
        execvp(argv[0], (char *const *)(size_t)argv);
    const int failure = errno;
    ssize_t written;
    do
        written = write(report, &failure, sizeof failure);
    while (written < 0 && errno == EINTR);
    _exit(127);
}

static ssize_t read_some(int fd, void *bytes, size_t size)
{
    ssize_t got;

    do
        got = read(fd, bytes, size);
    while (got < 0 && errno == EINTR);
    return got;
}

static void keep_output(int fd, char *output, size_t size)
{
    char bytes[4096];
    size_t kept = 0;
    ssize_t got;

    while ((got = read_some(fd, bytes, sizeof bytes)) > 0)
        for (ssize_t i = 0; i < got && kept + 1 < size; i++)
            output[kept++] = bytes[i];
    if (size > 0)
        output[kept] = 0;
}

int rt_process_run(const char *const argv[], const char *directory, char *output, size_t size, int *exit_code,
                   struct rt_error *err)
{
    int out[2], report[2];

    if (pipe2(out, O_CLOEXEC))
        return rt_fail_errno(err, RT_EIO, errno, "%s: cannot make a pipe", argv[0]);
    if (pipe2(report, O_CLOEXEC)) {
        const int failure = errno;
        close(out[0]);
        close(out[1]);
        return rt_fail_errno(err, RT_EIO, failure, "%s: cannot make a pipe", argv[0]);
    }
    const pid_t child = fork();
    const int fork_failure = errno;
    if (child == 0)
        become(argv, directory, out[1], report[1]);
    close(out[1]);
    close(report[1]);
    int failure = child < 0 ? fork_failure : 0;
    if (child > 0) {
        if (read_some(report[0], &failure, sizeof failure) != (ssize_t)sizeof failure)
            failure = 0;
        keep_output(out[0], output, size);
        int status = 0;
        while (waitpid(child, &status, 0) < 0 && errno == EINTR)
            ;
        *exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }
    close(out[0]);
    close(report[0]);
    return failure ? rt_fail_errno(err, RT_EIO, failure, "%s: cannot be run", argv[0]) : 0;
}
