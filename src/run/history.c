#include "run/history.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/entry.h"
#include "base/half.h"
#include "base/memory.h"
#include "base/npy.h"
#include "base/text.h"
#include "config/limits.h"
#include "run/fields.h"

const struct rt_history_kind rt_history_kinds[RT_HISTORY_COUNT] = {
#define KIND(name, type, size, dtype) {#name, "history_" #name ".npy", type, size},
    RT_HISTORY_ARRAYS(KIND)
#undef KIND
};

/* ---- writing ---- */

/* An epoch that has presented no image. */
static void clear(struct rt_history *history)
{
    const uint16_t absent = RT_HISTORY_ABSENT;
    const size_t images = (size_t)history->mark.images;

    for (size_t i = 0; i < images * RT_HISTORY_right; i++)
        memcpy(history->rows + i * sizeof absent, &absent, sizeof absent);
    memset(history->row[RT_HISTORY_right], 0, images);
}

int rt_history_create(struct rt_history *history, size_t images, struct rt_error *err)
{
    *history = (struct rt_history){.mark.images = (int64_t)images};
    RT_TRY(rt_alloc(&history->rows, images, RT_HISTORY_IMAGE_BYTES, "an epoch's history", err));
    for (size_t i = 0, at = 0; i < RT_HISTORY_COUNT; i++) {
        history->row[i] = history->rows + at;
        at += images * rt_history_kinds[i].size_bytes;
    }
    clear(history);
    return RT_OK;
}

void rt_history_free(struct rt_history *history)
{
    for (int i = 0; i < RT_HISTORY_COUNT; i++) {
        int fd = history->fds[i] - 1;

        rt_file_close_read(&fd); /* rt_history_sync has made sure of what counts */
    }
    rt_free(&history->rows);
    *history = (struct rt_history){0};
}

static uint64_t file_size(const struct rt_history_mark *mark, int i, int64_t epochs)
{
    return RT_NPY_HEADER + (uint64_t)epochs * (uint64_t)mark->images * rt_history_kinds[i].size_bytes;
}

static int seek(const struct rt_history *history, int i, uint64_t offset, struct rt_error *err)
{
    if (lseek(history->fds[i] - 1, (off_t)offset, SEEK_SET) < 0)
        return rt_fail(err, RT_EIO, "cannot write %s", history->paths[i]);
    return RT_OK;
}

static int write_header(const struct rt_history *history, int i, struct rt_error *err)
{
    char header[RT_NPY_HEADER];

    rt_npy_format(header, rt_history_kinds[i].type, (uint64_t)history->epochs, (uint64_t)history->mark.images);
    RT_TRY(seek(history, i, 0, err));
    return rt_file_write(history->fds[i] - 1, history->paths[i], header, sizeof header, err);
}

static int open_array(struct rt_history *history, int i, const char *run_dir, struct rt_error *err)
{
    int fd;

    RT_TRY(rt_path_join(history->paths[i], run_dir, rt_history_kinds[i].file, err));
    RT_TRY(rt_entry_open(&fd, run_dir, rt_history_kinds[i].file, RT_OPEN_UPDATE, err));
    history->fds[i] = fd + 1;
    RT_TRY(rt_file_cut(fd, history->paths[i],
                       history->epochs ? file_size(&history->mark, i, history->epochs) : 0, err));
    return write_header(history, i, err);
}

int rt_history_open(struct rt_history *history, const char *run_dir, int64_t epochs,
                    const struct rt_history_mark *mark, struct rt_error *err)
{
    history->epochs = epochs;
    if (epochs)
        rt_copy_text(history->mark.digest, sizeof history->mark.digest, mark->digest);
    for (int i = 0; i < RT_HISTORY_COUNT; i++)
        RT_TRY(open_array(history, i, run_dir, err));
    return RT_OK;
}

void rt_history_note(struct rt_history *history, uint32_t image, float loss, float probability, float margin,
                     bool right)
{
    const uint16_t halves[] = {rt_half_from_float(loss), rt_half_from_float(probability),
                               rt_half_from_float(margin)};

    for (int i = 0; i < RT_HISTORY_right; i++)
        memcpy(history->row[i] + (size_t)image * sizeof *halves, &halves[i], sizeof *halves);
    history->row[RT_HISTORY_right][image] = right;
}

/* The digest with one more epoch. */
static int extend_digest(char digest[RT_DIGEST_HEX], const uint8_t *const row[RT_HISTORY_COUNT], size_t images,
                         struct rt_error *err)
{
    struct rt_digest sum = {0};

    RT_TRY(rt_digest_start(&sum, err));
    rt_digest_update(&sum, digest, strlen(digest));
    for (int i = 0; i < RT_HISTORY_COUNT; i++)
        rt_digest_update(&sum, row[i], images * rt_history_kinds[i].size_bytes);
    return rt_digest_finish(&sum, digest, err);
}

int rt_history_end_epoch(struct rt_history *history, struct rt_error *err)
{
    const size_t images = (size_t)history->mark.images;

    for (int i = 0; i < RT_HISTORY_COUNT; i++) {
        RT_TRY(seek(history, i, file_size(&history->mark, i, history->epochs), err));
        RT_TRY(rt_file_write(history->fds[i] - 1, history->paths[i], history->row[i],
                             images * rt_history_kinds[i].size_bytes, err));
    }
    history->epochs++;
    for (int i = 0; i < RT_HISTORY_COUNT; i++)
        RT_TRY(write_header(history, i, err));
    RT_TRY(extend_digest(history->mark.digest, (const uint8_t *const *)history->row, images, err));
    clear(history);
    return RT_OK;
}

int rt_history_sync(const struct rt_history *history, struct rt_error *err)
{
    for (int i = 0; i < RT_HISTORY_COUNT; i++)
        if (history->fds[i])
            RT_TRY(rt_file_sync(history->fds[i] - 1, history->paths[i], err));
    return RT_OK;
}

/* ---- checking ---- */

struct reader {
    int fds[RT_HISTORY_COUNT]; /* 1 + the descriptor */
    uint8_t *rows, *row[RT_HISTORY_COUNT];
};

static int open_reader(struct reader *reader, const struct rt_history_mark *mark, const char *run_dir,
                       int64_t epochs, struct rt_error *err)
{
    const size_t images = (size_t)mark->images;

    RT_TRY(rt_alloc(&reader->rows, images, RT_HISTORY_IMAGE_BYTES, "an epoch's history", err));
    for (size_t i = 0, at = 0; i < RT_HISTORY_COUNT; i++) {
        const char *file = rt_history_kinds[i].file;
        uint64_t size;
        int fd;

        reader->row[i] = reader->rows + at;
        at += images * rt_history_kinds[i].size_bytes;
        if (rt_entry_look(run_dir, file) == RT_ENTRY_NONE)
            return rt_fail(err, RT_EDATA, "%s/%s: not there, and the run kept one", run_dir, file);
        RT_TRY(rt_entry_size(run_dir, file, &size, err));
        if (size < file_size(mark, (int)i, epochs))
            return rt_fail(err, RT_EDATA, "%s/%s: %ju bytes, %lld epochs of %zu images have %ju", run_dir, file,
                           (uintmax_t)size, (long long)epochs, images,
                           (uintmax_t)file_size(mark, (int)i, epochs));
        RT_TRY(rt_entry_open(&fd, run_dir, file, RT_OPEN_READ, err));
        reader->fds[i] = fd + 1;
        if (lseek(fd, RT_NPY_HEADER, SEEK_SET) < 0)
            return rt_fail(err, RT_EIO, "cannot read %s/%s", run_dir, file);
    }
    return RT_OK;
}

static int read_epoch(const struct reader *reader, size_t images, struct rt_error *err)
{
    for (int i = 0; i < RT_HISTORY_COUNT; i++) {
        const size_t size = images * rt_history_kinds[i].size_bytes;
        size_t got;

        RT_TRY(rt_file_read(reader->fds[i] - 1, rt_history_kinds[i].file, reader->row[i], size, &got, err));
        if (got != size)
            return rt_fail(err, RT_EDATA, "%s: became shorter while it was read", rt_history_kinds[i].file);
    }
    return RT_OK;
}

int rt_history_check(const struct rt_history_mark *mark, const char *run_dir, int64_t epochs,
                     struct rt_error *err)
{
    char digest[RT_DIGEST_HEX] = "";
    struct reader reader = {0};
    int rc;

    if (!mark->images || !epochs)
        return RT_OK;
    rc = open_reader(&reader, mark, run_dir, epochs, err);
    for (int64_t e = 0; e < epochs && !rc; e++)
        if (!(rc = read_epoch(&reader, (size_t)mark->images, err)))
            rc = extend_digest(digest, (const uint8_t *const *)reader.row, (size_t)mark->images, err);
    if (!rc && strcmp(digest, mark->digest) != 0)
        rc = rt_fail(err, RT_EDATA, "%s/history_*.npy: changed within the first %lld epochs", run_dir,
                     (long long)epochs);
    for (int i = 0; i < RT_HISTORY_COUNT; i++) {
        int fd = reader.fds[i] - 1;

        rt_file_close_read(&fd);
    }
    rt_free(&reader.rows);
    return rc;
}

/* ---- a checkpoint's mark ---- */

struct mark_fields {
    int64_t images;
    char digest[RT_FIELD_TEXT_MAX];
};

static const struct rt_field fields[] = {
    {"images", RT_FIELD_INTEGER, offsetof(struct mark_fields, images), 1, RT_IMAGES_LIMIT},
    {"digest", RT_FIELD_DIGEST, offsetof(struct mark_fields, digest), 0, 0},
    {0},
};

int rt_history_mark_write(const struct rt_history_mark *mark, struct rt_json *object, const char *key,
                          struct rt_error *err)
{
    struct mark_fields written = {.images = mark->images};
    struct rt_json *child = NULL;
    int rc;

    if (!mark->images)
        return rt_json_set_null(object, key, err);
    rt_copy_text(written.digest, sizeof written.digest, mark->digest);
    if (!(rc = rt_json_object(&child, err)) && !(rc = rt_fields_write(child, fields, &written, err)))
        rc = rt_json_set(object, key, &child, err);
    rt_json_free(&child);
    return rc;
}

int rt_history_mark_read(struct rt_history_mark *mark, const struct rt_json *object, const char *key,
                         const char *path, struct rt_error *err)
{
    const struct rt_json *child = rt_json_member(object, key);
    struct mark_fields read = {0};

    *mark = (struct rt_history_mark){0};
    if (!child || rt_json_kind(child) == RT_JSON_NULL)
        return RT_OK;
    if (rt_json_kind(child) != RT_JSON_OBJECT)
        return rt_fail(err, RT_EDATA, "%s: %s is neither null nor an object", path, key);
    RT_TRY(rt_fields_read(child, path, fields, &read, err));
    mark->images = read.images;
    rt_copy_text(mark->digest, sizeof mark->digest, read.digest);
    return RT_OK;
}
