#include "track/remote/spool.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/entry.h"
#include "base/memory.h"

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

static int find_size(const struct rt_spool *spool, uint64_t *size, struct rt_error *err)
{
    const off_t end = lseek(spool->fd, 0, SEEK_END);

    if (end < 0)
        return rt_fail_errno(err, RT_EIO, errno, "cannot look at %s", spool->path);
    *size = (uint64_t)end;
    return RT_OK;
}

int rt_spool_open(struct rt_spool *spool, const char *run_dir, const char *to, struct rt_error *err)
{
    uint64_t size = 0;
    int64_t whole;

    *spool = (struct rt_spool){.fd = -1, .to = to};
    RT_TRY(reserve(&spool->line, err));
    RT_TRY(rt_path_join(spool->path, run_dir, RT_SPOOL_NAME, err));
    RT_TRY(rt_entry_open(&spool->fd, run_dir, RT_SPOOL_NAME, RT_OPEN_APPEND, err));
    RT_TRY(survey(run_dir, to, &spool->seq, &whole, err));
    if (spool->seq > RT_SPOOL_NUMBER_MAX / 2)
        return rt_fail(err, RT_EDATA, "%s: a record has number %" PRId64 "; not a spool", spool->path,
                       spool->seq);
    RT_TRY(find_size(spool, &size, err));
    return size > (uint64_t)whole ? rt_file_cut(spool->fd, spool->path, (uint64_t)whole, err) : RT_OK;
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
    uint64_t size = 0;
    int rc;

    rt_text_clear(line);
    rt_text_printf(line, "{\"to\":\"%s\",\"seq\":%" PRId64 ",\"at\":%" PRId64 ",\"type\":\"%s\"%s%s\n",
                   spool->to, spool->seq + 1, rt_clock_unix_ms(), rt_spool_type_name(type),
                   strcmp(fields, "{}") ? "," : "", fields + 1);
    RT_TRY(rt_text_check(line, err));
    RT_TRY(find_size(spool, &size, err));
    rc = rt_file_write(spool->fd, spool->path, line->bytes, line->length, err);
    if (rc)
        rt_file_cut(spool->fd, spool->path, size, NULL);
    else
        spool->seq++;
    return rc;
}

/* ---- reading */

/* Moves the bytes not yet returned to the start of `text` and reads more after them; *more false at the end of
 * the file. */
static int refill(struct rt_spool_reader *reader, bool *more, struct rt_error *err)
{
    struct rt_text *text = &reader->text;
    static const char blank[1024];
    size_t got;

    if (text->bytes) {
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
    if (!text->bytes)
        return RT_EMEMORY; /* never: there is room now */
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

static int next_record(struct rt_spool_reader *reader, struct rt_spool_record *record, bool *got,
                       struct rt_error *err)
{
    char name[RT_PATH_MAX + 32];
    const char *line;
    size_t size;

    for (*got = false; !*got;) {
        int rc;

        rt_spool_record_free(record);
        RT_TRY(next_line(reader, &line, &size, err));
        if (!line)
            return RT_OK;
        snprintf(name, sizeof name, "%s:%" PRId64, reader->path, reader->lines);
        rc = rt_spool_parse(record, got, reader->to, name, line, size, err);
        if (!rc && *got && record->seq <= reader->read_seq)
            rc = rt_fail(err, RT_EDATA, "%s: seq is %" PRId64 " after %" PRId64 ": numbers must increase", name,
                         record->seq, reader->read_seq);
        if (rc) {
            *got = false;
            rt_spool_record_free(record);
            return rc;
        }
        if (*got)
            reader->read_seq = record->seq;
    }
    return RT_OK;
}

/* Void from now on: what came before this record at its start_step or later. Records count upwards, so that it
 * includes those before it that begin no earlier. */
static int add_void(struct rt_spool_reader *reader, const struct rt_spool_record *record, struct rt_error *err)
{
    const int64_t start = rt_spool_whole(record, "start_step"), step = start < 0 ? 0 : start;
    int count = reader->void_count;

    while (count && reader->voids[count - 1].step >= step)
        count--;
    if (count == reader->void_room) {
        const int room = 2 * count + 8;

        RT_TRY(rt_realloc(&reader->voids, (size_t)room, sizeof *reader->voids, "a spool", err));
        reader->void_room = room;
    }
    reader->voids[count] = (struct rt_spool_void){record->seq, step};
    reader->void_count = count + 1;
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

/* Damaged lines are skipped here: reading the records reports them. */
static int find_voids(struct rt_spool_reader *reader, struct rt_error *err)
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
    }
    rt_spool_record_free(&record);
    reader->last_seq = reader->read_seq;
    return rc;
}

int rt_spool_reader_open(struct rt_spool_reader *reader, const char *run_dir, const char *to,
                         struct rt_error *err)
{
    *reader = (struct rt_spool_reader){.fd = -1};
    RT_TRY(rt_path_join(reader->path, run_dir, RT_SPOOL_NAME, err));
    if (!rt_copy_text(reader->to, sizeof reader->to, to))
        return rt_fail(err, RT_EUSAGE, "%s: no service has so long a name", to);
    RT_TRY(rt_entry_open(&reader->fd, run_dir, RT_SPOOL_NAME, RT_OPEN_READ, err));
    RT_TRY(find_voids(reader, err));
    rt_text_clear(&reader->text);
    reader->taken = 0;
    reader->lines = reader->read_seq = 0;
    if (lseek(reader->fd, 0, SEEK_SET) < 0)
        return rt_fail_errno(err, RT_EIO, errno, "cannot read %s", reader->path);
    return RT_OK;
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
    const int64_t step = rt_spool_whole(record, "step");
    int low = 0,
        high = reader->void_count; /* the first void with a greater number has the least step of those */

    while (low < high) {
        const int middle = low + (high - low) / 2;

        if (reader->voids[middle].seq > record->seq)
            high = middle;
        else
            low = middle + 1;
    }
    return record->seq < reader->first_seq ||
           (step >= 0 && low < reader->void_count && step >= reader->voids[low].step);
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
