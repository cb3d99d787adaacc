/* TensorBoard event files: records of the Event message in a TFRecord container (docs/tracking.md). */
#ifndef RT_TRACK_TFEVENTS_H
#define RT_TRACK_TFEVENTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/path.h"
#include "track/tensorboard/protobuf.h"

enum rt_tfevents_field { /* numbers of the fields that writers of values need */
                         RT_SUMMARY_VALUE = 1,
                         RT_VALUE_TAG = 1,
                         RT_VALUE_SCALAR = 2,
                         RT_VALUE_IMAGE = 4,
                         RT_VALUE_HISTOGRAM = 5,
                         RT_VALUE_TENSOR = 8,
                         RT_VALUE_METADATA = 9,
};

struct rt_tfevents {
    int fd; /* -1: closed */
    char path[RT_PATH_MAX];
    int64_t size; /* of the whole records written */
    struct rt_pb event;
    size_t summary; /* where the Summary in `event` began */
};

/* Opens a new file in `directory` whose name sorts after those already there, and writes its first record.
 * wall_time_s: seconds since 1970. RT_EIO, RT_EMEMORY. */
int rt_tfevents_open(struct rt_tfevents *events, const char *directory, double wall_time_s,
                     struct rt_error *err);
void rt_tfevents_close(struct rt_tfevents *events);

/* Deletes the event files in `directory` (none is fine). */
int rt_tfevents_remove(const char *directory, struct rt_error *err);

/* Whether `directory` has any. */
int rt_tfevents_exist(bool *exist, const char *directory, struct rt_error *err);

/* An event with a summary: begin it, add values (rt_tfevents_add_scalar, or a RT_SUMMARY_VALUE written to
 * events->event), write it. Records are written atomically. */
void rt_tfevents_begin(struct rt_tfevents *events, double wall_time_s, int64_t step);
void rt_tfevents_add_scalar(struct rt_tfevents *events, const char *tag, double value); /* NaN: nothing */
void rt_tfevents_add_text(struct rt_tfevents *events, const char *tag, const char *text);
int rt_tfevents_write(struct rt_tfevents *events, struct rt_error *err);

/* Says that a session starts here: values at `step` and later in earlier files are void. */
int rt_tfevents_write_restart(struct rt_tfevents *events, double wall_time_s, int64_t step,
                              struct rt_error *err);

#endif
