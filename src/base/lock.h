/* Locks: one process at a time in a run directory, a sweep, or a data directory.
 *
 * The kernel holds the lock, so it is released when its holder dies, however it was killed: an
 * open-file-description lock on a file in the folder (a record lock of the process where the system has none)
 * and, so that a deleted file lets nobody else in, one on the folder itself where it takes one. While it is
 * held the file says by whom (base/holder.h).
 *
 * A file system without locks (ENOSYS, ENOLCK, EOPNOTSUPP; some NFS, Lustre without flock) is warned of once in
 * each task (base/task.h: each run, and the program); the file alone is the lock then. One that a dead process
 * of this host left is taken over; one of another host, of which nothing can be known, is refused. */
#ifndef RT_BASE_LOCK_H
#define RT_BASE_LOCK_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/path.h"

struct rt_lock {
    bool held, by_name; /* by_name: without the kernel's help */
    bool busy;          /* not held, because another process holds it */
    int file, folder;   /* descriptors that hold the locks, or -1 */
    char directory[RT_PATH_MAX], name[64];
};

/* Creates the file `name` in the folder if need be and takes the lock; from a process that is just ending, it
 * waits for it. RT_EIO names the process that holds it: "PATH: in use by process 123; ...". A second lock on
 * the same folder in one process is refused too. */
int rt_lock_acquire(struct rt_lock *lock, const char *folder, const char *name, struct rt_error *err);

/* Is it still ours? A file that somebody has removed is made again, with a warning; RT_EIO when another process
 * has got in, or the folder is not the one that was locked. */
int rt_lock_check(struct rt_lock *lock, struct rt_error *err);

void rt_lock_release(struct rt_lock *lock); /* accepts the zeroed state; the file stays, empty */
void rt_lock_remove(struct rt_lock *lock);  /* the same, and the file goes */

/* The process that holds the lock now, without taking it: 0 for none (or no such file), -1 when it is held but
 * not said by whom, or by a process of another host. */
pid_t rt_lock_holder(const char *folder, const char *name);

/* True for an errno that means: this file system has no locks. */
bool rt_lock_unsupported(int error);

#endif
