/* Locks: one process at a time in a run directory or a sweep.
 *
 * The lock is the kernel's (a POSIX record lock on the file), so a holder that dies gives it back whatever it
 * was killed by; the file itself stays, with the last holder's process id in it for people to read. */
#ifndef RT_RUN_LOCK_H
#define RT_RUN_LOCK_H

#include <sys/types.h>

#include "base/error.h"

struct rt_lock {
    int descriptor; /* -1, or 0 in the zeroed state: not held */
};

/* Creates the file if need be and takes the lock. RT_EIO names the process that holds it: "PATH: in use by
 * process 123; ...". Within one process a second lock of the same file succeeds: take it once. */
int rt_lock_acquire(struct rt_lock *lock, const char *path, struct rt_error *err);
void rt_lock_release(struct rt_lock *lock); /* accepts the zeroed state */

/* The process that holds the lock now, without taking it: 0 for none (or no such file). */
pid_t rt_lock_holder(const char *path);

#endif
