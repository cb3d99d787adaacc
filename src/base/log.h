/* What the program tells its user: lines to stderr, and all of them with their time to the run's log.txt.
 *
 * Lines may come from several threads. They carry no newline at the end. */
#ifndef RT_BASE_LOG_H
#define RT_BASE_LOG_H

#include "base/error.h"

enum rt_log_level { RT_LOG_QUIET = -1, RT_LOG_NORMAL = 0, RT_LOG_VERBOSE = 1 };

void rt_log_set_level(enum rt_log_level level);
enum rt_log_level rt_log_level(void);

void rt_log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));   /* unless quiet */
void rt_log_detail(const char *format, ...) __attribute__((format(printf, 1, 2))); /* when verbose */
void rt_log_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));   /* always: "warning: ..." */
/* Only to the file: what the terminal shows in another form. */
void rt_log_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Also append every line, whatever the level, to this file in the folder (base/entry.h: no link, nothing but a
 * regular file) as "2017-04-24T10:15:30Z line". */
int rt_log_open(const char *folder, const char *name, struct rt_error *err);
/* RT_EIO when one of the lines could not be written. Closing what is not open is fine. */
int rt_log_close(struct rt_error *err);

/* Called before a line goes to stderr, for whoever has an unfinished line there (a progress bar); null: nobody.
 */
void rt_log_set_interrupt(void (*clear)(void));

#endif
