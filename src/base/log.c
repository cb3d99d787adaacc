#include "base/log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/entry.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/utf8.h"

enum { NEVER = 2 }; /* besides the levels: the lowest level at which stderr shows a line */

struct rt_log {
    pthread_mutex_t mutex;
    enum rt_log_level level;
    int fd; /* of the file, or -1 */
    char path[RT_PATH_MAX];
    struct rt_error failure; /* the first */
    /* what is said before there is a file, whole lines, as much as fits; none for the program's log */
    bool waiting;
    size_t early_length;
    char early[16 << 10];
};

static struct rt_log program = {.mutex = PTHREAD_MUTEX_INITIALIZER, .fd = -1};
static _Thread_local struct rt_log *used; /* null: the program's */

static struct rt_log *in_use(void)
{
    return used ? used : &program;
}

void rt_log_use(struct rt_log *log)
{
    used = log;
}

int rt_log_create(struct rt_log **out, enum rt_log_level level, struct rt_error *err)
{
    RT_TRY(rt_alloc(out, 1, sizeof **out, "a log", err));
    pthread_mutex_init(&(*out)->mutex, NULL);
    (*out)->level = level;
    (*out)->fd = -1;
    (*out)->waiting = true;
    return RT_OK;
}

void rt_log_free(struct rt_log **log)
{
    if (!*log)
        return;
    rt_file_close_read(&(*log)->fd); /* rt_log_close closes with care */
    pthread_mutex_destroy(&(*log)->mutex);
    rt_free(log);
}

void rt_log_set_level(enum rt_log_level level)
{
    struct rt_log *log = in_use();

    pthread_mutex_lock(&log->mutex);
    log->level = level;
    pthread_mutex_unlock(&log->mutex);
}

enum rt_log_level rt_log_level(void)
{
    struct rt_log *log = in_use();
    enum rt_log_level level;

    pthread_mutex_lock(&log->mutex);
    level = log->level;
    pthread_mutex_unlock(&log->mutex);
    return level;
}

/* ---- the terminal, which all logs share ---- */

static struct {
    pthread_mutex_t mutex;
    bool unfinished; /* its last line */
    int width;       /* of that, in columns */
} terminal = {.mutex = PTHREAD_MUTEX_INITIALIZER};

/* Columns of a line of UTF-8 without its colours. */
static int columns_of(const char *line)
{
    int columns = 0;

    for (; *line; line++) {
        if (*line == '\033')
            line += strcspn(line, "m");
        else
            columns += (*line & 0xc0) != 0x80;
        if (!*line)
            break;
    }
    return columns;
}

/* Goes to the beginning of the unfinished line, which a terminal that has become narrower has folded, and
 * clears it. */
static void clear_unfinished(void)
{
    struct winsize size;
    int rows = 0;

    if (!ioctl(STDERR_FILENO, TIOCGWINSZ, &size) && size.ws_col)
        rows = (terminal.width - 1) / size.ws_col;
    if (rows > 0)
        fprintf(stderr, "\033[%dA", rows);
    fputs(rows > 0 ? "\r\033[J" : "\r\033[K", stderr);
}

/* `line` and what follows it, after an unfinished line is gone. */
static void show(const char *line, const char *end)
{
    pthread_mutex_lock(&terminal.mutex);
    if (terminal.unfinished)
        clear_unfinished();
    fprintf(stderr, "%s%s", line, end);
    terminal.unfinished = false;
    pthread_mutex_unlock(&terminal.mutex);
}

void rt_log_redraw(const char *line, bool last)
{
    pthread_mutex_lock(&terminal.mutex);
    if (terminal.unfinished && columns_of(line) < terminal.width)
        clear_unfinished();
    fprintf(stderr, "\r%s\033[K%s", line, last ? "\n" : "");
    fflush(stderr);
    terminal.unfinished = !last;
    terminal.width = columns_of(line);
    pthread_mutex_unlock(&terminal.mutex);
}

void rt_log_clear(void)
{
    show("", "");
}

/* ---- lines ---- */

static void write_bytes(struct rt_log *log, const char *bytes, size_t length)
{
    if (rt_file_write(log->fd, log->path, bytes, length, &log->failure) && log->level >= RT_LOG_QUIET) {
        show("warning: ", log->failure.message);
        show("", "\n");
    }
}

static void write_to_file(struct rt_log *log, const char *line)
{
    char stamped[2048], date[RT_ISO_TIME_MAX];
    int length;

    if ((log->fd < 0 && !log->waiting) || log->failure.status)
        return;
    length = snprintf(stamped, sizeof stamped, "%s %s", rt_clock_iso(rt_clock_unix_ms(), date), line);
    if (length >= (int)sizeof stamped)
        length = (int)sizeof stamped - 1;
    stamped[length] = '\n'; /* one write per line, so that lines stay whole */
    length++;
    if (!log->waiting) {
        write_bytes(log, stamped, (size_t)length);
    } else if (log->early_length + (size_t)length <= sizeof log->early) {
        memcpy(log->early + log->early_length, stamped, (size_t)length);
        log->early_length += (size_t)length;
    }
}

static void say(int least_level, const char *prefix, const char *format, va_list args)
    __attribute__((format(printf, 3, 0)));

static void say(int least_level, const char *prefix, const char *format, va_list args)
{
    struct rt_log *log = in_use();
    char line[1536];
    int length = snprintf(line, sizeof line, "%s", prefix);

    vsnprintf(line + length, sizeof line - (size_t)length, format, args);
    rt_utf8_make_plain(line); /* one line, whatever untrusted text contains */
    pthread_mutex_lock(&log->mutex);
    if ((int)log->level >= least_level)
        show(line, "\n");
    write_to_file(log, line);
    pthread_mutex_unlock(&log->mutex);
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
    SAY(RT_LOG_QUIET, "warning: ");
}

void rt_log_note(const char *format, ...)
{
    SAY(NEVER, "");
}

int rt_log_open(const char *folder, const char *name, struct rt_error *err)
{
    struct rt_log *log = in_use();
    char path[RT_PATH_MAX];
    int fd, rc;

    RT_TRY(rt_log_close(err));
    RT_TRY(rt_path_join(path, folder, name, err));
    RT_TRY(rt_entry_open(&fd, folder, name, RT_OPEN_APPEND, err));
    pthread_mutex_lock(&log->mutex);
    rc = rt_copy_text(log->path, sizeof log->path, path) ? RT_OK : RT_EIO;
    log->fd = fd;
    log->failure = (struct rt_error){0};
    log->waiting = false;
    if (log->early_length)
        write_bytes(log, log->early, log->early_length);
    log->early_length = 0;
    pthread_mutex_unlock(&log->mutex);
    return rc;
}

int rt_log_close(struct rt_error *err)
{
    struct rt_log *log = in_use();
    int rc = RT_OK;

    pthread_mutex_lock(&log->mutex);
    if (log->failure.status)
        rc = rt_fail(err, log->failure.status, "%s", log->failure.message);
    if (rt_file_close(&log->fd, log->path, rc ? NULL : err) && !rc)
        rc = RT_EIO;
    log->failure = (struct rt_error){0};
    pthread_mutex_unlock(&log->mutex);
    return rc;
}
