#include "base/log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/entry.h"
#include "base/text.h"
#include "base/utf8.h"

enum { NEVER = 2, ALWAYS = -1 }; /* beside the levels: the least level at which stderr shows a line */

static struct {
    pthread_mutex_t mutex;
    enum rt_log_level level;
    void (*clear)(void);
    int fd; /* of the file, or -1 */
    char path[RT_PATH_MAX];
    struct rt_error failure; /* the first */
} logger = {.mutex = PTHREAD_MUTEX_INITIALIZER, .fd = -1};

void rt_log_set_level(enum rt_log_level level)
{
    pthread_mutex_lock(&logger.mutex);
    logger.level = level;
    pthread_mutex_unlock(&logger.mutex);
}

enum rt_log_level rt_log_level(void)
{
    enum rt_log_level level;

    pthread_mutex_lock(&logger.mutex);
    level = logger.level;
    pthread_mutex_unlock(&logger.mutex);
    return level;
}

void rt_log_set_interrupt(void (*clear)(void))
{
    pthread_mutex_lock(&logger.mutex);
    logger.clear = clear;
    pthread_mutex_unlock(&logger.mutex);
}

static void write_to_file(const char *line)
{
    char stamped[2048], date[RT_ISO_TIME_MAX];
    int length;

    if (logger.fd < 0 || logger.failure.status)
        return;
    length = snprintf(stamped, sizeof stamped, "%s %s", rt_clock_iso(rt_clock_unix_ms(), date), line);
    if (length >= (int)sizeof stamped)
        length = (int)sizeof stamped - 1;
    stamped[length] = '\n'; /* one write per line, so that lines stay whole */
    if (rt_file_write(logger.fd, logger.path, stamped, (size_t)length + 1, &logger.failure))
        fprintf(stderr, "warning: %s\n", logger.failure.message);
}

static void say(int least_level, const char *prefix, const char *format, va_list args)
    __attribute__((format(printf, 3, 0)));

static void say(int least_level, const char *prefix, const char *format, va_list args)
{
    char line[1536];
    int length = snprintf(line, sizeof line, "%s", prefix);

    vsnprintf(line + length, sizeof line - (size_t)length, format, args);
    rt_utf8_make_plain(line); /* one line, whatever a stranger's text holds */
    pthread_mutex_lock(&logger.mutex);
    if ((int)logger.level >= least_level) {
        if (logger.clear)
            logger.clear();
        fprintf(stderr, "%s\n", line);
    }
    write_to_file(line);
    pthread_mutex_unlock(&logger.mutex);
}

#define SAY(least_level, prefix)                                                                               \
    do {                                                                                                       \
        va_list args;                                                                                          \
        va_start(args, format);                                                                                \
        say(least_level, prefix, format, args);                                                                \
        va_end(args);                                                                                          \
    } while (0)

void rt_log_info(const char *format, ...)
{
    SAY(RT_LOG_NORMAL, "");
}

void rt_log_detail(const char *format, ...)
{
    SAY(RT_LOG_VERBOSE, "");
}

void rt_log_warn(const char *format, ...)
{
    SAY(ALWAYS, "warning: ");
}

void rt_log_note(const char *format, ...)
{
    SAY(NEVER, "");
}

int rt_log_open(const char *folder, const char *name, struct rt_error *err)
{
    char path[RT_PATH_MAX];
    int fd, rc;

    RT_TRY(rt_log_close(err));
    RT_TRY(rt_path_join(path, folder, name, err));
    RT_TRY(rt_entry_open(&fd, folder, name, RT_OPEN_APPEND, err));
    pthread_mutex_lock(&logger.mutex);
    rc = rt_copy_text(logger.path, sizeof logger.path, path) ? RT_OK : RT_EIO;
    logger.fd = fd;
    logger.failure = (struct rt_error){0};
    pthread_mutex_unlock(&logger.mutex);
    return rc;
}

int rt_log_close(struct rt_error *err)
{
    int rc = RT_OK;

    pthread_mutex_lock(&logger.mutex);
    if (logger.failure.status)
        rc = rt_fail(err, logger.failure.status, "%s", logger.failure.message);
    if (rt_file_close(&logger.fd, logger.path, rc ? NULL : err) && !rc)
        rc = RT_EIO;
    logger.failure = (struct rt_error){0};
    pthread_mutex_unlock(&logger.mutex);
    return rc;
}
