/* Linked into `rethink-faulty`, the program as it is but for this: the environment says which call to the
 * system or for memory goes wrong, and how.
 *
 *   RT_FAULT=kill-before@N      the process dies (SIGKILL) before its N-th system call of base/system.h
 *   RT_FAULT=kill-after@N       ... right after it has succeeded
 *   RT_FAULT=SIGTERM@N          SIGTERM comes before the N-th call
 *   RT_FAULT=ENOSPC@N           the N-th call fails with this errno (ENOSPC, EIO, EACCES, ENOMEM, EINTR)
 *   RT_FAULT=ENOSPC+@N          it and every later one that needs space fails: a full disk
 *   RT_FAULT=short@N            the N-th call, a read or write, does half of what was asked
 *   RT_FAULT=alloc@N            the N-th request to base/memory.h fails
 *   RT_FAULT_LOG=FILE           each call is appended: "N name path"; at the end "alloc N"
 *
 * Each process counts its own calls from 1. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/system.h"

static const struct {
    const char *name;
    int value;
} errors[] = {{"ENOSPC", ENOSPC}, {"EIO", EIO}, {"EACCES", EACCES}, {"ENOMEM", ENOMEM}, {"EINTR", EINTR}};

static struct {
    enum { NOTHING, KILL_BEFORE, KILL_AFTER, TERMINATE, FAIL, FAIL_FROM, SHORT } action;
    unsigned long at;
    int error;
} fault;
static atomic_ulong serial;
static int log_fd = -1;

static void die(void)
{
    kill(getpid(), SIGKILL);
    pause();
}

static void log_call(unsigned long number, const struct rt_system_event *event)
{
    char line[5000];
    const int length =
        snprintf(line, sizeof line, "%lu %s %s\n", number, rt_system_call_name(event->call), event->path);

    if (log_fd >= 0 && write(log_fd, line, (size_t)length) != length)
        abort();
}

static bool needs_space(enum rt_system_call call)
{
    return call == RT_SYSTEM_write || call == RT_SYSTEM_fsync || call == RT_SYSTEM_mkdir;
}

static int hook(const struct rt_system_event *event)
{
    /* In the thread that makes the call: nothing comes between a call's before and its after. */
    static _Thread_local unsigned long number;

    if (event->after) {
        if (fault.action == KILL_AFTER && number == fault.at)
            die();
        return 0;
    }
    number = atomic_fetch_add(&serial, 1) + 1;
    log_call(number, event);
    if (fault.action == KILL_BEFORE && number == fault.at)
        die();
    if (fault.action == TERMINATE && number == fault.at)
        raise(SIGTERM);
    if (fault.action == SHORT && number == fault.at && event->count && *event->count > 1)
        *event->count /= 2;
    if (fault.action == FAIL && number == fault.at)
        return fault.error;
    if (fault.action == FAIL_FROM && number >= fault.at && needs_space(event->call))
        return fault.error;
    return 0;
}

static void log_allocations(void)
{
    char line[64];
    const int length = snprintf(line, sizeof line, "alloc %llu\n", (unsigned long long)rt_alloc_count());

    if (write(log_fd, line, (size_t)length) != length)
        _exit(70);
}

static void misunderstood(const char *text)
{
    fprintf(stderr, "RT_FAULT=%s is not understood\n", text);
    _exit(70);
}

static void parse(const char *text)
{
    const char *at = strchr(text, '@');
    const size_t length = at ? (size_t)(at - text) : 0;
    char *end = NULL;

    fault.at = at ? strtoul(at + 1, &end, 10) : 0;
    if (!fault.at || *end)
        misunderstood(text);
    if (length == 5 && !strncmp(text, "alloc", length)) {
        rt_alloc_fail_at(fault.at);
    } else if (length == 5 && !strncmp(text, "short", length)) {
        fault.action = SHORT;
    } else if (length == 11 && !strncmp(text, "kill-before", length)) {
        fault.action = KILL_BEFORE;
    } else if (length == 7 && !strncmp(text, "SIGTERM", length)) {
        fault.action = TERMINATE;
    } else if (length == 10 && !strncmp(text, "kill-after", length)) {
        fault.action = KILL_AFTER;
    } else {
        for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
            if (!strncmp(text, errors[i].name, strlen(errors[i].name)))
                fault.error = errors[i].value;
        fault.action = at[-1] == '+' ? FAIL_FROM : FAIL;
        if (!fault.error)
            misunderstood(text);
    }
}

__attribute__((constructor)) static void set_faults(void)
{
    const char *text = getenv("RT_FAULT"), *path = getenv("RT_FAULT_LOG");

    if (text && *text)
        parse(text);
    if (path) {
        log_fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
        atexit(log_allocations);
    }
    if (fault.action || path)
        rt_system_hook = hook;
}
