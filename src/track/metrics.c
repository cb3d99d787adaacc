#include "track/metrics.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/utf8.h"

#define FILE_MAX (SIZE_MAX / 16) /* a long run logs for weeks; memory is in proportion to the file */

static const char header[] =
    "step,epoch,batch,train_loss,train_acc,test_loss,test_acc,learning_rate,wall_s,cpu_s\n";

enum { REALS = 7 }; /* columns from train_loss on */

size_t rt_metrics_format_header(char *row)
{
    memcpy(row, header, sizeof header);
    return sizeof header - 1;
}

/* ",0.5", or "," for what was not measured. */
static size_t append_real(char *row, size_t length, const char *format, double value, bool measured)
{
    row[length++] = ',';
    if (!measured)
        return length;
    return length + (size_t)snprintf(row + length, RT_METRICS_ROW_MAX - length, format, value);
}

size_t rt_metrics_format_row(const struct rt_log_point *point, char *row)
{
    size_t length =
        (size_t)snprintf(row, RT_METRICS_ROW_MAX, "%" PRId64 ",%d,%d", point->step, point->epoch, point->batch);

    length = append_real(row, length, "%.9g", point->train_loss, true); /* a NaN here is a finding */
    length = append_real(row, length, "%.9g", point->train_acc, true);
    length = append_real(row, length, "%.9g", point->test_loss, !isnan(point->test_acc));
    length = append_real(row, length, "%.9g", point->test_acc, !isnan(point->test_acc));
    length = append_real(row, length, "%.9g", point->learning_rate, true);
    length = append_real(row, length, "%.3f", point->wall_s, true);
    length = append_real(row, length, "%.3f", point->cpu_s, true);
    row[length++] = '\n';
    return length;
}

/* A row being read, for messages: the file, the line's number, where in it. */
struct cursor {
    const char *path;
    size_t line;
    const char *at;
};

static int complain(const struct cursor *cursor, const char *what, struct rt_error *err)
{
    return rt_fail(err, RT_EDATA, "%s:%zu: %s (found '%.*s')", cursor->path, cursor->line, what,
                   (int)strcspn(cursor->at, ",\n"), cursor->at);
}

/* A whole number from 0 up and the comma behind it. */
static int take_integer(struct cursor *cursor, int64_t high, int64_t *value, struct rt_error *err)
{
    char *end;
    long long number;

    errno = 0;
    number = strtoll(cursor->at, &end, 10);
    if (*cursor->at < '0' || *cursor->at > '9' || errno || number > high || *end != ',')
        return complain(cursor, "expected a whole number", err);
    *value = number;
    cursor->at = end + 1;
    return RT_OK;
}

/* A real number or nothing (NaN), and the `terminator` behind it. */
static int take_real(struct cursor *cursor, char terminator, double *value, struct rt_error *err)
{
    char *end;

    *value = NAN;
    end = (char *)(uintptr_t)cursor->at;
    if (*cursor->at != terminator) {
        if (strchr(" \t\v\f\r\n,", *cursor->at))
            return complain(cursor, "expected a number", err);
        *value = strtod(cursor->at, &end);
    }
    if (*end != terminator)
        return complain(cursor, "expected a number", err);
    cursor->at = end + 1;
    return RT_OK;
}

static int take_row(struct cursor *cursor, struct rt_log_point *point, struct rt_error *err)
{
    double *const reals[REALS] = {&point->train_loss,    &point->train_acc, &point->test_loss, &point->test_acc,
                                  &point->learning_rate, &point->wall_s,    &point->cpu_s};
    int64_t epoch, batch;

    RT_TRY(take_integer(cursor, INT64_MAX, &point->step, err));
    RT_TRY(take_integer(cursor, INT32_MAX, &epoch, err));
    RT_TRY(take_integer(cursor, INT32_MAX, &batch, err));
    for (int i = 0; i < REALS; i++)
        RT_TRY(take_real(cursor, i + 1 < REALS ? ',' : '\n', reals[i], err));
    point->epoch = (int)epoch;
    point->batch = (int)batch;
    return RT_OK;
}

static int read_rows(struct rt_metrics_log *log, const char *path, const char *text, struct rt_error *err)
{
    struct cursor cursor = {.path = path, .line = 1, .at = text + rt_utf8_mark(text, strlen(text))};

    if (strncmp(cursor.at, header, sizeof header - 1))
        return complain(&cursor, "not the header of a metrics.csv", err);
    cursor.at += sizeof header - 1;
    for (cursor.line = 2; strchr(cursor.at, '\n'); cursor.line++) {
        struct rt_log_point *point = &log->points[log->count];
        const char *begin = cursor.at;

        RT_TRY(take_row(&cursor, point, err));
        if (log->count && point->step <= point[-1].step) {
            cursor.at = begin;
            return complain(&cursor, "steps must increase", err);
        }
        log->count++;
    }
    return RT_OK;
}

int rt_metrics_read(struct rt_metrics_log *out, const char *path, struct rt_error *err)
{
    struct rt_metrics_log log = {0};
    char *text = NULL;
    size_t size, lines = 0;
    int rc;

    if ((rc = rt_file_read_all(path, FILE_MAX, &text, &size, err)))
        goto done;
    if (strlen(text) != size) {
        rc = rt_fail(err, RT_EDATA, "%s: holds a NUL at byte %zu", path, strlen(text));
        goto done;
    }
    for (const char *p = text; (p = strchr(p, '\n')); p++)
        lines++;
    if ((rc = rt_alloc(&log.points, lines, sizeof *log.points, "metrics", err)) ||
        (rc = read_rows(&log, path, text, err)))
        goto done;
    *out = log;
    log = (struct rt_metrics_log){0};
done:
    rt_metrics_free(&log);
    rt_free(&text);
    return rc;
}

void rt_metrics_free(struct rt_metrics_log *log)
{
    rt_free(&log->points);
    log->count = 0;
}
