#include "track/metrics.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/entry.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/utf8.h"
#include "config/limits.h"

#define FILE_MAX (SIZE_MAX / 16) /* a long run logs for weeks; memory is in proportion to the file */

/* The real columns, in the order of our header: where they go, and what a run can have logged there. */
static const struct column {
    const char *name;
    /* METRIC: at the metric's place in its list; may be nan, inf, or nothing (NaN), or have no column */
    enum { METRIC, RATE, SECONDS } kind;
    size_t offset;
    double low, high;
} columns[] = {
#define COLUMN(name, measured, low, high, ...)                                                                 \
    {#name, METRIC, offsetof(struct rt_log_point, scores.name), low, high},
    RT_METRICS(COLUMN)
#undef COLUMN
        {"learning_rate", RATE, offsetof(struct rt_log_point, learning_rate), 0, RT_RATE_LIMIT},
    {"wall_s", SECONDS, offsetof(struct rt_log_point, wall_s), 0, RT_SECONDS_LIMIT},
    {"cpu_s", SECONDS, offsetof(struct rt_log_point, cpu_s), 0, RT_SECONDS_LIMIT},
};

#define COLUMN_NAME(name, ...) #name ","
static const char first_columns[] = "step,epoch,batch,";
static const char header[] = "step,epoch,batch," RT_METRICS(COLUMN_NAME) "learning_rate,wall_s,cpu_s\n";
#undef COLUMN_NAME

static_assert(sizeof columns / sizeof *columns == RT_METRICS_REALS, "one column each");
static_assert(sizeof header <= RT_METRICS_ROW_MAX && 64 + 25 * RT_METRICS_REALS <= RT_METRICS_ROW_MAX,
              "a row has room for all columns");

struct rt_metrics_layout rt_metrics_own_layout(void)
{
    struct rt_metrics_layout layout = {RT_METRICS_REALS, {0}};

    for (int i = 0; i < layout.count; i++)
        layout.columns[i] = i;
    return layout;
}

bool rt_metrics_layout_has(const struct rt_metrics_layout *layout, const char *name)
{
    for (int i = 0; i < layout->count; i++)
        if (!strcmp(columns[layout->columns[i]].name, name))
            return true;
    return false;
}

size_t rt_metrics_format_header(char *row)
{
    memcpy(row, header, sizeof header);
    return sizeof header - 1;
}

/* ",0.5", or "," for what was not measured. At most 24 bytes, whatever the value. */
static void append_real(struct rt_text *row, double value, bool measured)
{
    rt_text_append(row, ",");
    if (measured && isnan(value))
        rt_text_append(row, "nan"); /* printf writes "-nan" for some */
    else if (measured)
        rt_text_printf(row, "%.9g", value);
}

static void append_seconds(struct rt_text *row, double value)
{
    rt_text_printf(row, fabs(value) < 1e15 ? ",%.3f" : ",%.9g", value);
}

static void append_column(struct rt_text *row, const struct column *column, const struct rt_log_point *point)
{
    double value;

    memcpy(&value, (const char *)point + column->offset, sizeof value);
    if (column->kind == SECONDS)
        append_seconds(row, value);
    else
        append_real(row, value,
                    column->kind != METRIC ||
                        rt_metric_is_measured(&rt_metrics[column - columns], &point->scores));
}

size_t rt_metrics_format_row(const struct rt_metrics_layout *layout, const struct rt_log_point *point,
                             char *row)
{
    struct rt_text text = rt_text_in(row, RT_METRICS_ROW_MAX);

    rt_text_printf(&text, "%" PRId64 ",%d,%d", point->step, point->epoch, point->batch);
    for (int i = 0; i < layout->count; i++)
        append_column(&text, &columns[layout->columns[i]], point);
    rt_text_append(&text, "\n");
    return text.length;
}

/* A row being read, for messages: the file, the line's number, where in it. */
struct cursor {
    const char *path;
    size_t line;
    const char *at;
};

static int complain(const struct cursor *cursor, const char *what, struct rt_error *err)
{
    enum { SHOWN = 60 };
    const size_t length = strcspn(cursor->at, ",\n");

    return rt_fail(err, RT_EDATA, "%s:%zu: %s (found '%.*s%s')", cursor->path, cursor->line, what,
                   length < SHOWN ? (int)length : SHOWN, cursor->at, length < SHOWN ? "" : "...");
}

/* A whole number, at least `low`, and the comma after it. */
static int take_integer(struct cursor *cursor, int64_t low, double high, int64_t *value, struct rt_error *err)
{
    char *end;
    long long number;

    errno = 0;
    number = strtoll(cursor->at, &end, 10);
    if (*cursor->at < '0' || *cursor->at > '9' || errno || *end != ',')
        return complain(cursor, "expected a whole number", err);
    if (number < low || (double)number > high)
        return complain(cursor, "out of the range of a run", err);
    *value = number;
    cursor->at = end + 1;
    return RT_OK;
}

/* A real number as printf writes it, or nothing (NaN), and the `terminator` after it. */
static int take_real(struct cursor *cursor, const struct column *column, char terminator, double *value,
                     struct rt_error *err)
{
    const char *sign = cursor->at + (*cursor->at == '-');
    char *end = (char *)(uintptr_t)cursor->at;

    *value = NAN;
    if (*cursor->at != terminator) {
        if (!strchr("0123456789", *sign) && strncmp(sign, "nan", 3) != 0 && strncmp(sign, "inf", 3) != 0)
            return complain(cursor, "expected a number", err);
        *value = strtod(cursor->at, &end);
        *value = isnan(*value) ? (double)NAN : *value; /* of one sign */
    }
    if (*end != terminator || strcspn(sign, "xX(") < (size_t)(end - sign))
        return complain(cursor, "expected a number", err);
    if (isfinite(*value) ? *value < column->low || *value > column->high : column->kind != METRIC)
        return complain(cursor, "out of the range of a run", err);
    cursor->at = end + 1;
    return RT_OK;
}

static int take_row(struct cursor *cursor, const struct rt_metrics_layout *layout, struct rt_log_point *point,
                    struct rt_error *err)
{
    int64_t epoch, batch;

    *point = (struct rt_log_point){.scores = rt_scores_none()};
    RT_TRY(take_integer(cursor, 0, RT_STEPS_LIMIT, &point->step, err));
    RT_TRY(take_integer(cursor, 1, RT_EPOCHS_LIMIT, &epoch, err));
    RT_TRY(take_integer(cursor, 0, RT_IMAGES_LIMIT, &batch, err));
    for (int i = 0; i < layout->count; i++) {
        const struct column *column = &columns[layout->columns[i]];

        RT_TRY(take_real(cursor, column, i + 1 < layout->count ? ',' : '\n',
                         (double *)(void *)((char *)point + column->offset), err));
    }
    point->epoch = (int)epoch;
    point->batch = (int)batch;
    return RT_OK;
}

/* The name of a column, which ends at a comma or at the line's end. */
static int take_name(struct cursor *cursor, struct rt_metrics_layout *layout, struct rt_error *err)
{
    const size_t length = strcspn(cursor->at, ",\n");

    for (int i = 0; i < RT_METRICS_REALS; i++) {
        if (strlen(columns[i].name) != length || strncmp(columns[i].name, cursor->at, length) != 0)
            continue;
        if (rt_metrics_layout_has(layout, columns[i].name))
            return complain(cursor, "a column that was there before", err);
        layout->columns[layout->count++] = i;
        cursor->at += length;
        return RT_OK;
    }
    return complain(cursor, "a column that this program does not know; a later one may have written it", err);
}

static int take_header(struct cursor *cursor, struct rt_metrics_layout *layout, struct rt_error *err)
{
    const char *begin = cursor->at += rt_utf8_mark(cursor->at, strlen(cursor->at));

    *layout = (struct rt_metrics_layout){0};
    if (strncmp(cursor->at, first_columns, sizeof first_columns - 1) != 0 || !strchr(cursor->at, '\n'))
        return complain(cursor, "not the header of a metrics.csv", err);
    for (cursor->at += sizeof first_columns - 1;; cursor->at++) {
        RT_TRY(take_name(cursor, layout, err));
        if (*cursor->at == '\n')
            break;
    }
    for (int i = 0; i < RT_METRICS_REALS; i++)
        if (columns[i].kind != METRIC && !rt_metrics_layout_has(layout, columns[i].name)) {
            cursor->at = begin;
            return complain(cursor, "not the header of a metrics.csv", err);
        }
    cursor->at++;
    cursor->line++;
    return RT_OK;
}

static int read_rows(struct rt_metrics_log *log, const char *path, const char *text, struct rt_error *err)
{
    struct cursor cursor = {.path = path, .line = 1, .at = text};
    struct rt_metrics_layout layout;

    RT_TRY(take_header(&cursor, &layout, err));
    for (; strchr(cursor.at, '\n'); cursor.line++) {
        struct rt_log_point *point = &log->points[log->count];
        const char *begin = cursor.at;

        RT_TRY(take_row(&cursor, &layout, point, err));
        if (log->count && point->step <= point[-1].step) {
            cursor.at = begin;
            return complain(&cursor, "steps must increase", err);
        }
        log->count++;
    }
    return RT_OK;
}

int rt_metrics_parse(struct rt_metrics_log *out, const char *path, const char *text, size_t size,
                     struct rt_error *err)
{
    struct rt_metrics_log log = {0};
    size_t lines = 0;
    int rc;

    if (strlen(text) != size)
        return rt_fail(err, RT_EDATA, "%s: holds a NUL at byte %zu", path, strlen(text));
    for (const char *p = text; (p = strchr(p, '\n')); p++)
        lines++;
    if (!(rc = rt_alloc(&log.points, lines, sizeof *log.points, "metrics", err)) &&
        !(rc = read_rows(&log, path, text, err))) {
        *out = log;
        log = (struct rt_metrics_log){0};
    }
    rt_metrics_free(&log);
    return rc;
}

int rt_metrics_read(struct rt_metrics_log *out, const char *run_dir, struct rt_error *err)
{
    char path[RT_PATH_MAX], *text;
    size_t size;
    int rc;

    RT_TRY(rt_path_join(path, run_dir, RT_METRICS_FILE, err));
    RT_TRY(rt_entry_read(run_dir, RT_METRICS_FILE, FILE_MAX, &text, &size, err));
    rc = rt_metrics_parse(out, path, text, size, err);
    rt_free(&text);
    return rc;
}

/* Up to RT_METRICS_ROW_MAX bytes of the file, its first or its last, followed by a NUL. */
static int read_end(char text[RT_METRICS_ROW_MAX + 1], size_t *length, const char *run_dir, bool last,
                    struct rt_error *err)
{
    uint64_t size;
    int fd, rc;

    RT_TRY(rt_entry_size(run_dir, RT_METRICS_FILE, &size, err));
    RT_TRY(rt_entry_open(&fd, run_dir, RT_METRICS_FILE, RT_OPEN_READ, err));
    if (last && size > RT_METRICS_ROW_MAX && lseek(fd, (off_t)(size - RT_METRICS_ROW_MAX), SEEK_SET) < 0)
        rc = rt_fail(err, RT_EIO, "%s/%s: %s", run_dir, RT_METRICS_FILE, strerror(errno));
    else
        rc = rt_file_read(fd, RT_METRICS_FILE, text, RT_METRICS_ROW_MAX, length, err);
    rt_file_close_read(&fd);
    RT_TRY(rc);
    text[*length] = '\0';
    return strlen(text) == *length ? RT_OK
                                   : rt_fail(err, RT_EDATA, "%s/%s: holds a NUL", run_dir, RT_METRICS_FILE);
}

int rt_metrics_read_layout(struct rt_metrics_layout *layout, const char *run_dir, struct rt_error *err)
{
    char text[RT_METRICS_ROW_MAX + 1], path[RT_PATH_MAX];
    struct cursor cursor = {.path = path, .line = 1, .at = text};
    size_t length;

    RT_TRY(rt_path_join(path, run_dir, RT_METRICS_FILE, err));
    RT_TRY(read_end(text, &length, run_dir, false, err));
    return take_header(&cursor, layout, err);
}

bool rt_metrics_read_last(struct rt_log_point *point, const char *run_dir)
{
    char tail[RT_METRICS_ROW_MAX + 1];
    struct cursor cursor = {.path = RT_METRICS_FILE};
    struct rt_metrics_layout layout;
    size_t length;

    if (rt_metrics_read_layout(&layout, run_dir, NULL) || read_end(tail, &length, run_dir, true, NULL))
        return false;
    while (length && tail[length - 1] != '\n') /* what follows is still being written */
        length--;
    if (!length)
        return false;
    tail[length] = '\0';
    while (--length && tail[length - 1] != '\n')
        ;
    cursor.at = tail + length;
    return length && !take_row(&cursor, &layout, point, NULL); /* at 0: the header, or a row cut in two */
}

void rt_metrics_free(struct rt_metrics_log *log)
{
    rt_free(&log->points);
    log->count = 0;
}
