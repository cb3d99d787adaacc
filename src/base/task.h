/* Tasks: the threads that work for one thing, a training session for example, and what they share: a log
 * (base/log.h) and an account of their processor time (rt_clock_cpu_s). A thread begins in the task of whoever
 * starts it; outside of any there is the program's log and the time of the whole process. */
#ifndef RT_BASE_TASK_H
#define RT_BASE_TASK_H

#include <pthread.h>
#include <stdbool.h>

#include "base/error.h"
#include "base/log.h"

struct rt_task;

/* A task with a log of this level and no thread yet. RT_EMEMORY. */
int rt_task_create(struct rt_task **task, enum rt_log_level level, struct rt_error *err);
void rt_task_free(struct rt_task **task); /* when no thread works for it; accepts null */

/* From now on the calling thread works for `task` (null: for none); returns for whom it did. */
struct rt_task *rt_task_enter(struct rt_task *task);

/* What is said once for each task, and once outside of any: true the first time that the caller's task asks. */
enum rt_task_remark { RT_REMARK_NO_LOCKS };
bool rt_task_is_first(enum rt_task_remark remark);

/* Starts a thread that works for the caller's task, with all signals blocked: they are for the first thread.
 * Returns 0 or an errno. */
int rt_thread_start(pthread_t *thread, void *(*work)(void *argument), void *argument);

#endif
