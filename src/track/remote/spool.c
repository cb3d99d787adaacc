#include "track/remote/spool.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"

static const char *const type_names[] = {
#define TYPE_NAME(name) #name,
    RT_SPOOL_TYPES(TYPE_NAME)
#undef TYPE_NAME
};

enum { CHUNK = 64 << 10, LINE_MAX_BYTES = 1 << 20 };

/* ---- writing */

/* The number of the service's last record, and the size of the whole lines. */
static int survey(const char *run_dir, const char *to, int64_t *last_seq, int64_t *size, struct rt_error *err)
{
    struct rt_spool_reader reader;
    int rc = rt_spool_reader_open(&reader, run_dir, to, err);

    *last_seq = reader.last_seq;
    *size = reader.whole_bytes;
    rt_spool_reader_close(&reader);
    return rc;
}

/* Room for any log point at once, so that later ones allocate nothing. */
static int reserve(struct rt_text *line, struct rt_error *err)
{
    rt_text_printf(line, "%1000s", "");
    rt_text_clear(line);
    return rt_text_check(line, err);
}

int rt_spool_open(struct rt_spool *spool, const char *run_dir, const char *to, struct rt_error *err)
{
    uint64_t size;
    int64_t whole;

    *spool = (struct rt_spool){.fd = -1, .to = to};
    RT_TRY(reserve(&spool->line, err));
    RT_TRY(rt_path_join(spool->path, run_dir, RT_SPOOL_NAME, err));
    RT_TRY(rt_file_open(&spool->fd, spool->path, RT_OPEN_APPEND, err));
    RT_TRY(survey(run_dir, to, &spool->seq, &whole, err));
    if (spool->seq < 0 || spool->seq > INT64_MAX / 2)
        return rt_fail(err, RT_EDATA, "%s: a record has number %" PRId64 "; not a spool", spool->path,
                       spool->seq);
    RT_TRY(rt_file_size(spool->path, &size, err));
    return size > (uint64_t)whole ? rt_file_truncate(spool->path, (uint64_t)whole, err) : RT_OK;
}

void rt_spool_close(struct rt_spool *spool)
{
    rt_file_close(&spool->fd, spool->path, NULL); /* every write was checked when it was made */
    rt_text_free(&spool->line);
    *spool = (struct rt_spool){.fd = -1};
}

int rt_spool_append(struct rt_spool *spool, enum rt_spool_type type, const char *fields, struct rt_error *err)
{
    struct rt_text *line = &spool->line;
    uint64_t size;
    int rc;

    rt_text_clear(line);
    rt_text_printf(line, "{\"to\":\"%s\",\"seq\":%" PRId64 ",\"at\":%" PRId64 ",\"type\":\"%s\"%s%s\n",
                   spool->to, spool->seq + 1, rt_clock_unix_ms(), type_names[type],
                   strcmp(fields, "{}") ? "," : "", fields + 1);
    RT_TRY(rt_text_check(line, err));
    RT_TRY(rt_file_size(spool->path, &size, err));
    rc = rt_file_write(spool->fd, spool->path, line->bytes, line->length, err);
    if (rc)
        rt_file_truncate(spool->path, size, NULL);
    else
        spool->seq++;
    return rc;
}

/* ---- reading */

void rt_spool_record_free(struct rt_spool_record *record)
{
    rt_json_free(&record->json);
    *record = (struct rt_spool_record){0};
}

/* Makes `text` begin with bytes not handed out and reads more behind them; *more false at the end of the file.
 */
static int refill(struct rt_spool_reader *reader, bool *more, struct rt_error *err)
{
    struct rt_text *text = &reader->text;
    static const char blank[1024];
    size_t got;

    if (reader->taken) {
        memmove(text->bytes, text->bytes + reader->taken, text->length - reader->taken);
        text->length -= reader->taken;
        reader->taken = 0;
    }
    if (text->length > LINE_MAX_BYTES)
        return rt_fail(err, RT_EIO, "%s:%" PRId64 ": a line of more than %d bytes; not a spool", reader->path,
                       reader->lines + 1, LINE_MAX_BYTES);
    while (text->capacity < text->length + CHUNK + 1 && !text->failed) {
        const size_t length = text->length;

        for (int i = 0; i < CHUNK / (int)sizeof blank; i++)
            rt_text_append_bytes(text, blank, sizeof blank);
        text->length = length;
    }
    RT_TRY(rt_text_check(text, err));
    RT_TRY(rt_file_read(reader->fd, reader->path, text->bytes + text->length, CHUNK, &got, err));
    text->length += got;
    text->bytes[text->length] = '\0';
    *more = got > 0;
    return RT_OK;
}

/* The next whole line, without its newline; null at the end. It is valid until the next call. */
static int next_line(struct rt_spool_reader *reader, const char **line, size_t *size, struct rt_error *err)
{
    struct rt_text *text = &reader->text;
    bool more = true;

    for (*line = NULL; more;) {
        const char *start = text->bytes ? text->bytes + reader->taken : NULL;
        const char *end = start ? memchr(start, '\n', text->length - reader->taken) : NULL;

        if (end) {
            *line = start;
            *size = (size_t)(end - start);
            reader->taken += *size + 1;
            reader->whole_bytes += (int64_t)*size + 1;
            reader->lines++;
            return RT_OK;
        }
        RT_TRY(refill(reader, &more, err));
    }
    return RT_OK;
}

static int parse_type(struct rt_spool_record *record, const char *name, const char *text, struct rt_error *err)
{
    for (int type = 0; type < RT_SPOOL_TYPE_COUNT; type++)
        if (!strcmp(text, type_names[type])) {
            record->type = (enum rt_spool_type)type;
            return RT_OK;
        }
    return rt_fail(err, RT_EDATA, "%s: unknown type of record \"%s\"", name, text);
}

/* *mine: it is addressed to the reader's service. */
static int parse_record(const struct rt_spool_reader *reader, const char *line, size_t size,
                        struct rt_spool_record *record, bool *mine, struct rt_error *err)
{
    char name[RT_PATH_MAX + 32];
    const char *to, *type;

    *record = (struct rt_spool_record){0};
    snprintf(name, sizeof name, "%s:%" PRId64, reader->path, reader->lines);
    RT_TRY(rt_json_parse(&record->json, name, line, size, err));
    RT_TRY(rt_json_get_text(record->json, name, "to", &to, err));
    *mine = !strcmp(to, reader->to);
    if (!*mine)
        return RT_OK;
    RT_TRY(rt_json_get_integer(record->json, name, "seq", &record->seq, err));
    RT_TRY(rt_json_get_integer(record->json, name, "at", &record->at_ms, err));
    RT_TRY(rt_json_get_text(record->json, name, "type", &type, err));
    return parse_type(record, name, type, err);
}

static int next_record(struct rt_spool_reader *reader, struct rt_spool_record *record, bool *got,
                       struct rt_error *err)
{
    const char *line;
    size_t size;

    for (*got = false; !*got;) {
        int rc;

        rt_spool_record_free(record);
        RT_TRY(next_line(reader, &line, &size, err));
        if (!line)
            return RT_OK;
        rc = parse_record(reader, line, size, record, got, err);
        if (rc) {
            rt_spool_record_free(record);
            return rc;
        }
    }
    return RT_OK;
}

static int add_void(struct rt_spool_reader *reader, const struct rt_spool_record *record, struct rt_error *err)
{
    int64_t step = 0;

    if (rt_json_has(record->json, "start_step"))
        RT_TRY(rt_json_get_integer(record->json, reader->path, "start_step", &step, err));
    RT_TRY(rt_realloc(&reader->voids, (size_t)reader->void_count + 1, sizeof *reader->voids, "a spool", err));
    reader->voids[reader->void_count++] = (struct rt_spool_void){record->seq, step};
    return RT_OK;
}

static int note_start(struct rt_spool_reader *reader, const struct rt_spool_record *record,
                      struct rt_error *err)
{
    bool resumed = false;

    if (rt_json_has(record->json, "resumed"))
        RT_TRY(rt_json_get_bool(record->json, reader->path, "resumed", &resumed, err));
    if (resumed)
        return add_void(reader, record, err);
    reader->first_seq = record->seq;
    reader->void_count = 0;
    return RT_OK;
}

/* Damaged lines are passed over: whoever reads the records hears of them. */
static int learn_voids(struct rt_spool_reader *reader, struct rt_error *err)
{
    struct rt_spool_record record = {0};
    bool got = true;
    int rc = RT_OK;

    while (got || rc == RT_EDATA) {
        rc = next_record(reader, &record, &got, err);
        if (!rc && got && record.type == RT_SPOOL_start)
            rc = note_start(reader, &record, err);
        if (rc && rc != RT_EDATA)
            break;
        if (got && record.seq > reader->last_seq)
            reader->last_seq = record.seq;
    }
    rt_spool_record_free(&record);
    return rc;
}

int rt_spool_reader_open(struct rt_spool_reader *reader, const char *run_dir, const char *to,
                         struct rt_error *err)
{
    *reader = (struct rt_spool_reader){.fd = -1};
    RT_TRY(rt_path_join(reader->path, run_dir, RT_SPOOL_NAME, err));
    if (!rt_copy_text(reader->to, sizeof reader->to, to))
        return rt_fail(err, RT_EUSAGE, "%s: no service has so long a name", to);
    RT_TRY(rt_file_open(&reader->fd, reader->path, RT_OPEN_READ, err));
    RT_TRY(learn_voids(reader, err));
    rt_file_close_read(&reader->fd);
    rt_text_clear(&reader->text);
    reader->taken = 0;
    reader->lines = 0;
    return rt_file_open(&reader->fd, reader->path, RT_OPEN_READ, err);
}

void rt_spool_reader_close(struct rt_spool_reader *reader)
{
    rt_file_close_read(&reader->fd);
    rt_text_free(&reader->text);
    rt_free(&reader->voids);
    *reader = (struct rt_spool_reader){.fd = -1};
}

static bool is_void(const struct rt_spool_reader *reader, const struct rt_spool_record *record)
{
    int64_t step;

    if (record->seq < reader->first_seq)
        return true;
    if (rt_json_get_integer(record->json, reader->path, "step", &step, NULL))
        return false;
    for (int i = 0; i < reader->void_count; i++)
        if (record->seq < reader->voids[i].seq && step >= reader->voids[i].step)
            return true;
    return false;
}

int rt_spool_read(struct rt_spool_reader *reader, int64_t after, struct rt_spool_record *record, bool *got,
                  struct rt_error *err)
{
    do
        RT_TRY(next_record(reader, record, got, err));
    while (*got && (record->seq <= after || is_void(reader, record)));
    return RT_OK;
}

int rt_spool_count(const char *run_dir, const char *to, int64_t after, int64_t *points, int64_t *others,
                   struct rt_error *err)
{
    struct rt_spool_reader reader;
    struct rt_spool_record record = {0};
    bool got = true;
    int rc = rt_spool_reader_open(&reader, run_dir, to, err);

    *points = *others = 0;
    while (!rc && got) {
        rc = rt_spool_read(&reader, after, &record, &got, err);
        if (rc == RT_EDATA)
            rc = RT_OK; /* a damaged line is none */
        else if (!rc && got)
            *(record.type == RT_SPOOL_point ? points : others) += 1;
    }
    rt_spool_record_free(&record);
    rt_spool_reader_close(&reader);
    return rc;
}
