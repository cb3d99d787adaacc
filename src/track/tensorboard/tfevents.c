#include "track/tensorboard/tfevents.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/entry.h"
#include "base/path.h"
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
enum { HEAD = 12, TAIL = 4 }; /* bytes around a record's data */
enum { SESSION_LOG_STATUS = 1, SESSION_START = 1 };
enum { METADATA_PLUGIN_DATA = 1, PLUGIN_NAME = 1 };
enum { TENSOR_DTYPE = 1, TENSOR_SHAPE = 2, TENSOR_STRING = 8, DTYPE_STRING = 7 };

static bool is_event_file(const char *name)
{
    return !strncmp(name, NAME_START, strlen(NAME_START));
}

/* Calls visit for each event file, in the order of their names, until it returns nonzero. */
static int each_event_file(const char *directory,
                           int (*visit)(const char *path, void *context, struct rt_error *err), void *context,
                           struct rt_error *err)
{
    struct rt_names names;
    char path[RT_PATH_MAX];
    int rc = rt_folder_list(&names, directory, err);

    for (int i = 0; !rc && i < names.count; i++)
        if (is_event_file(names.items[i])) {
            rc = rt_path_join(path, directory, names.items[i], err);
            rc = rc ? rc : visit(path, context, err);
        }
    rt_names_free(&names);
    return rc;
}

static int visit_latest(const char *path, void *context, struct rt_error *err)
{
    long long *latest = context;
    const long long seconds = strtoll(rt_path_name(path) + strlen(NAME_START), NULL, 10);

    (void)err;
    if (seconds > *latest)
        *latest = seconds;
    return RT_OK;
}

static int visit_remove(const char *path, void *context, struct rt_error *err)
{
    (void)context;
    return rt_file_remove(path, err);
}

static int visit_found(const char *path, void *context, struct rt_error *err)
{
    (void)path, (void)err;
    *(bool *)context = true;
    return RT_OK;
}

int rt_tfevents_remove(const char *directory, struct rt_error *err)
{
    return each_event_file(directory, visit_remove, NULL, err);
}

int rt_tfevents_exist(bool *exist, const char *directory, struct rt_error *err)
{
    *exist = false;
    return each_event_file(directory, visit_found, exist, err);
}

/* Readers take the files of a directory in the order of their names, so that a clock set back, or two
 * sessions in one second, must not put a new file before an old one. */
static int new_path(struct rt_tfevents *events, const char *directory, double wall_time_s, struct rt_error *err)
{
    char host[65] = "localhost";
    long long seconds = (long long)wall_time_s, latest = 0;
    int length;

    RT_TRY(each_event_file(directory, visit_latest, &latest, err));
    if (seconds <= latest && latest < 9999999999)
        seconds = latest + 1;
    if (gethostname(host, sizeof host - 1))
        rt_copy_text(host, sizeof host, "localhost");
    length = snprintf(events->path, sizeof events->path, "%s/" NAME_START "%010lld.%s.%ld.0", directory,
                      seconds, host, (long)getpid());
    if (length < 0 || (size_t)length >= sizeof events->path)
        return rt_fail(err, RT_EIO, "%s: the path of an event file in it is too long", directory);
    return RT_OK;
}

/* Empties the record and leaves room for what goes before the data. */
static void begin_record(struct rt_tfevents *events)
{
    rt_pb_reset(&events->event);
    rt_pb_raw(&events->event, (const unsigned char[HEAD]){0}, HEAD);
}

int rt_tfevents_open(struct rt_tfevents *events, const char *directory, double wall_time_s,
                     struct rt_error *err)
{
    *events = (struct rt_tfevents){.fd = -1};
    RT_TRY(new_path(events, directory, wall_time_s, err));
    RT_TRY(rt_entry_open(&events->fd, directory, rt_path_name(events->path), RT_OPEN_APPEND, err));
    begin_record(events);
    rt_pb_double(&events->event, EVENT_WALL_TIME, wall_time_s);
    rt_pb_text(&events->event, EVENT_FILE_VERSION, "brain.Event:2");
    return rt_tfevents_write(events, err);
}

void rt_tfevents_close(struct rt_tfevents *events)
{
    rt_file_close(&events->fd, events->path, NULL); /* nothing is buffered that a failure could lose */
    rt_pb_free(&events->event);
    *events = (struct rt_tfevents){.fd = -1};
}

static void put_little_endian(unsigned char *out, uint64_t value, int size)
{
    for (int i = 0; i < size; i++)
        out[i] = (unsigned char)(value >> 8 * i);
}

/* The record in events->event is: length | crc(length) | data | crc(data). A record that did not fit is cut off
 * again: readers would wait for its rest for ever, and everything after it would be lost. */
static int write_record(struct rt_tfevents *events, struct rt_error *err)
{
    struct rt_pb *record = &events->event;
    const size_t size = record->size - HEAD;
    int rc;

    rt_pb_raw(record, (const unsigned char[TAIL]){0}, TAIL);
    RT_TRY(rt_pb_check(record, err));
    put_little_endian(record->bytes, size, 8);
    put_little_endian(record->bytes + 8, rt_crc32c_masked(record->bytes, 8), 4);
    put_little_endian(record->bytes + HEAD + size, rt_crc32c_masked(record->bytes + HEAD, size), TAIL);
    rc = rt_file_write(events->fd, events->path, record->bytes, record->size, err);
    if (rc)
        rt_file_cut(events->fd, events->path, (uint64_t)events->size, NULL);
    else
        events->size += (int64_t)record->size;
    return rc;
}

void rt_tfevents_begin(struct rt_tfevents *events, double wall_time_s, int64_t step)
{
    begin_record(events);
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

/* As the text plug-in wants it: a tensor of one string (type 7, shape []), named by the metadata. */
void rt_tfevents_add_text(struct rt_tfevents *events, const char *tag, const char *text)
{
    struct rt_pb *pb = &events->event;
    const size_t value = rt_pb_begin(pb, RT_SUMMARY_VALUE);
    size_t metadata, part;

    rt_pb_text(pb, RT_VALUE_TAG, tag);
    metadata = rt_pb_begin(pb, RT_VALUE_METADATA);
    part = rt_pb_begin(pb, METADATA_PLUGIN_DATA);
    rt_pb_text(pb, PLUGIN_NAME, "text");
    rt_pb_end(pb, part);
    rt_pb_end(pb, metadata);
    part = rt_pb_begin(pb, RT_VALUE_TENSOR);
    rt_pb_integer(pb, TENSOR_DTYPE, DTYPE_STRING);
    rt_pb_end(pb, rt_pb_begin(pb, TENSOR_SHAPE));
    rt_pb_text(pb, TENSOR_STRING, text);
    rt_pb_end(pb, part);
    rt_pb_end(pb, value);
}

int rt_tfevents_write(struct rt_tfevents *events, struct rt_error *err)
{
    if (events->summary)
        rt_pb_end(&events->event, events->summary);
    events->summary = 0;
    return write_record(events, err);
}

int rt_tfevents_write_restart(struct rt_tfevents *events, double wall_time_s, int64_t step,
                              struct rt_error *err)
{
    size_t begun;

    begin_record(events);
    rt_pb_double(&events->event, EVENT_WALL_TIME, wall_time_s);
    rt_pb_integer(&events->event, EVENT_STEP, step);
    begun = rt_pb_begin(&events->event, EVENT_SESSION_LOG);
    rt_pb_integer(&events->event, SESSION_LOG_STATUS, SESSION_START);
    rt_pb_end(&events->event, begun);
    return rt_tfevents_write(events, err);
}
