/* Processors: how many this program may use, and binding threads to them. */
#ifndef RT_BASE_CORES_H
#define RT_BASE_CORES_H

/* Cores that the calling thread may run on (sched_getaffinity), at least 1. */
int rt_core_allowed(void);

/* Threads that can compute at the same time: rt_core_allowed(), or the CPU quota of the process's control
 * groups, rounded up, where that is less. At least 1. */
int rt_core_count(void);

/* The same of the process's first thread: for all threads of the process together, which may be bound to fewer
 * each. */
int rt_core_total(void);

/* The lowest of the CPU quotas of the process's control group and of its parents (versions 1 and 2), in
 * processors; infinite where there is none. `root` is prepended to /proc/self/... and to the mount points of
 * control groups: "" except in tests. */
double rt_core_quota(const char *root);

/* Binds the calling thread, and those that it starts, to the index-th of the cores that it may run on; a
 * negative index changes nothing, and a refusal by the system is ignored. */
void rt_core_bind(int index);

#endif
