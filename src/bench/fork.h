/* Work in a fork of this process: its memory is counted by itself, and several forks run at once.
 */
#ifndef RT_BENCH_FORK_H
#define RT_BENCH_FORK_H

#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"

struct rt_fork {
    pid_t child; /* 0: none */
    int from;    /* the pipe that the result comes through */
};

/* Starts work(context, result) in a fork, with `size` zeroed bytes for its result. The caller must have no
 * other threads. The fork ends when this process does. RT_EIO. */
int rt_fork_start(struct rt_fork *forked, int (*work)(void *context, void *result, struct rt_error *err),
                  void *context, size_t size, struct rt_error *err);

/* Waits for it and copies its result to result[size]. What the work returned, or RT_EIO if it died. */
int rt_fork_finish(struct rt_fork *forked, void *result, size_t size, struct rt_error *err);

#endif
