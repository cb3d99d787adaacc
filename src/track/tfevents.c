#include "track/tfevents.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/text.h"
#include "track/crc32c.h"

#define NAME_START "events.out.tfevents."

enum event_field {
    EVENT_WALL_TIME = 1,
    EVENT_STEP = 2,
    EVENT_FILE_VERSION = 3,
    EVENT_SUMMARY = 5,
    EVENT_SESSION_LOG = 7
};
enum { SESSION_LOG_STATUS = 1, SESSION_START = 1 };

static bool is_event_file(const char *name)
{
    return !strncmp(name, NAME_START, strlen(NAME_START));
}

/* Calls visit for each event file until it returns nonzero. A directory that cannot be read has none. */
static int each_event_file(const char *directory, int (*visit)(int dirfd, const char *name, void *context),
                           void *context)
{
    DIR *dir = opendir(directory);
    const struct dirent *entry;
    int rc = 0;

    if (!dir)
        return 0;
    while (!rc && (entry = readdir(dir)))
        if (is_event_file(entry->d_name))
            rc = visit(dirfd(dir), entry->d_name, context);
    closedir(dir);
    return rc;
}

static int visit_latest(int fd, const char *name, void *context)
{
    long long *latest = context;
    const long long seconds = strtoll(name + strlen(NAME_START), NULL, 10);

    (void)fd;
    if (seconds > *latest)
        *latest = seconds;
    return 0;
}

static int visit_remove(int fd, const char *name, void *context)
{
    (void)context;
    return unlinkat(fd, name, 0) ? errno : 0;
}

static int visit_found(int fd, const char *name, void *context)
{
    (void)fd, (void)name, (void)context;
    return 1;
}

int rt_tfevents_remove(const char *directory, struct rt_error *err)
{
    const int failed = each_event_file(directory, visit_remove, NULL);

    return failed ? rt_fail_errno(err, RT_EIO, failed, "%s: cannot remove an old event file", directory)
                  : RT_OK;
}

bool rt_tfevents_exist(const char *directory)
{
    return each_event_file(directory, visit_found, NULL);
}

/* Readers take the files of a directory in the order of their names, so that a clock set back, or two
 * sessions in one second, must not put a new file before an old one. */
static int new_path(struct rt_tfevents *events, const char *directory, double wall_time_s, struct rt_error *err)
{
    static atomic_uint counter;
    char host[65] = "localhost";
    long long seconds = (long long)wall_time_s, latest = 0;
    int length;

    each_event_file(directory, visit_latest, &latest);
    if (seconds <= latest && latest < 9999999999)
        seconds = latest + 1;
    if (gethostname(host, sizeof host - 1))
        rt_copy_text(host, sizeof host, "localhost");
    length = snprintf(events->path, sizeof events->path, "%s/" NAME_START "%010lld.%s.%ld.%u", directory,
                      seconds, host, (long)getpid(), atomic_fetch_add(&counter, 1));
    if (length < 0 || (size_t)length >= sizeof events->path)
        return rt_fail(err, RT_EIO, "%s: the path of an event file in it is too long", directory);
    return RT_OK;
}

int rt_tfevents_open(struct rt_tfevents *events, const char *directory, double wall_time_s,
                     struct rt_error *err)
{
    *events = (struct rt_tfevents){.fd = -1};
    RT_TRY(new_path(events, directory, wall_time_s, err));
    events->fd = open(events->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (events->fd < 0)
        return rt_fail_errno(err, RT_EIO, errno, "%s: cannot create the event file", events->path);
    rt_pb_double(&events->event, EVENT_WALL_TIME, wall_time_s);
    rt_pb_text(&events->event, EVENT_FILE_VERSION, "brain.Event:2");
    return rt_tfevents_write(events, err);
}

void rt_tfevents_close(struct rt_tfevents *events)
{
    if (events->fd >= 0)
        close(events->fd); /* nothing is buffered, so that there is nothing left to fail */
    rt_pb_free(&events->event);
    *events = (struct rt_tfevents){.fd = -1};
}

static void put_little_endian(unsigned char *out, uint64_t value, int size)
{
    for (int i = 0; i < size; i++)
        out[i] = (unsigned char)(value >> 8 * i);
}

/* length | crc(length) | data | crc(data). A record that did not fit is cut off again: readers would wait for
 * its rest for ever, and everything after it would be lost. */
static int write_record(struct rt_tfevents *events, void *data, size_t size, struct rt_error *err)
{
    unsigned char head[12], tail[4];
    struct iovec parts[] = {{head, sizeof head}, {data, size}, {tail, sizeof tail}};
    const size_t whole = sizeof head + size + sizeof tail;
    ssize_t written;

    put_little_endian(head, size, 8);
    put_little_endian(head + 8, rt_crc32c_masked(head, 8), 4);
    put_little_endian(tail, rt_crc32c_masked(data, size), 4);
    do
        written = writev(events->fd, parts, 3);
    while (written < 0 && errno == EINTR);
    if (written != (ssize_t)whole) {
        const int failed = written < 0 ? errno : ENOSPC;

        if (written > 0 &&
            (ftruncate(events->fd, events->size) || lseek(events->fd, events->size, SEEK_SET) < 0))
            return rt_fail_errno(err, RT_EIO, errno, "%s: cannot cut off half a record", events->path);
        return rt_fail_errno(err, RT_EIO, failed, "%s: cannot write %zu bytes", events->path, whole);
    }
    events->size += (int64_t)whole;
    return RT_OK;
}

void rt_tfevents_begin(struct rt_tfevents *events, double wall_time_s, int64_t step)
{
    rt_pb_reset(&events->event);
    rt_pb_double(&events->event, EVENT_WALL_TIME, wall_time_s);
    rt_pb_integer(&events->event, EVENT_STEP, step);
    events->summary = rt_pb_begin(&events->event, EVENT_SUMMARY);
}

void rt_tfevents_add_scalar(struct rt_tfevents *events, const char *tag, double value)
{
    size_t begun;

    if (isnan(value))
        return;
    begun = rt_pb_begin(&events->event, RT_SUMMARY_VALUE);
    rt_pb_text(&events->event, RT_VALUE_TAG, tag);
    rt_pb_float(&events->event, RT_VALUE_SCALAR, (float)value);
    rt_pb_end(&events->event, begun);
}

int rt_tfevents_write(struct rt_tfevents *events, struct rt_error *err)
{
    if (events->summary)
        rt_pb_end(&events->event, events->summary);
    events->summary = 0;
    RT_TRY(rt_pb_check(&events->event, err));
    RT_TRY(write_record(events, events->event.bytes, events->event.size, err));
    rt_pb_reset(&events->event);
    return RT_OK;
}

int rt_tfevents_write_restart(struct rt_tfevents *events, double wall_time_s, int64_t step,
                              struct rt_error *err)
{
    size_t begun;

    rt_pb_reset(&events->event);
    rt_pb_double(&events->event, EVENT_WALL_TIME, wall_time_s);
    rt_pb_integer(&events->event, EVENT_STEP, step);
    begun = rt_pb_begin(&events->event, EVENT_SESSION_LOG);
    rt_pb_integer(&events->event, SESSION_LOG_STATUS, SESSION_START);
    rt_pb_end(&events->event, begun);
    return rt_tfevents_write(events, err);
}
