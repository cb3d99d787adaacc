/* Work done apart, in a copy of this process: its memory is counted by itself, and several copies run at once.
 */
#ifndef RT_BASE_APART_H
#define RT_BASE_APART_H

#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"

struct rt_apart {
    pid_t child; /* 0: none */
    int from;    /* the pipe that the result comes through */
};

/* Starts work(context, result) in a copy, with `size` zeroed bytes for its result. The caller must have no
 * other threads. The copy ends when this process does. RT_EIO. */
int rt_apart_start(struct rt_apart *apart, int (*work)(void *context, void *result, struct rt_error *err),
                   void *context, size_t size, struct rt_error *err);

/* Waits for it and copies its result to result[size]. What the work returned, or RT_EIO if it died. */
int rt_apart_finish(struct rt_apart *apart, void *result, size_t size, struct rt_error *err);

#endif
