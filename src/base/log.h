/* What the program tells its user: lines to stderr, and all of them with their time to a run's log.txt.
 *
 * Several threads may log. Lines are given without a newline at the end. They go to the log that the calling
 * thread uses: its task's (base/task.h), or the program's. */
#ifndef RT_BASE_LOG_H
#define RT_BASE_LOG_H

#include <stdbool.h>

#include "base/error.h"

/* What stderr shows: nothing, warnings, ... The file gets every line. */
enum rt_log_level { RT_LOG_SILENT = -2, RT_LOG_QUIET = -1, RT_LOG_NORMAL = 0, RT_LOG_VERBOSE = 1 };

struct rt_log;

/* A log beside the program's; free it when no thread uses it. Lines that come before rt_log_open (16 KiB of
 * them) go to the file when it is opened. RT_EMEMORY. */
int rt_log_create(struct rt_log **log, enum rt_log_level level, struct rt_error *err);
void rt_log_free(struct rt_log **log); /* accepts null */

/* From now on the calling thread uses `log`; null: the program's. */
void rt_log_use(struct rt_log *log);

/* ---- of the log in use ---- */

void rt_log_set_level(enum rt_log_level level);
enum rt_log_level rt_log_level(void);

void rt_log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));   /* unless quiet */
void rt_log_detail(const char *format, ...) __attribute__((format(printf, 1, 2))); /* when verbose */
void rt_log_warn(const char *format, ...)
    __attribute__((format(printf, 1, 2))); /* unless silent: "warning: ..." */
/* Only to the file: what the terminal shows in another form. */
void rt_log_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Also append every line, whatever the level, to this file in the folder (base/entry.h: no link, nothing but a
 * regular file) as "2017-04-24T10:15:30Z line". */
int rt_log_open(const char *folder, const char *name, struct rt_error *err);
/* RT_EIO when one of the lines could not be written. Closing what is not open is fine. */
int rt_log_close(struct rt_error *err);

/* Writes the last line of the terminal anew, one that is not finished yet (a progress bar); the next line of
 * any log takes its place. `last`: it is finished now, and stays. */
void rt_log_redraw(const char *line, bool last);
void rt_log_clear(void); /* takes an unfinished one away */

#endif
