#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/utf8.h"
#include "data/cifar10.h"
#include "data/pickle.h"
#include "data/source.h"

enum { NAMES_BYTES_MAX = 4096 };

const struct rt_cifar10_file rt_cifar10_files[RT_CIFAR10_FILES] = {
#define FILE_OF(name, sha256)                                                                                  \
    {name ".bin", RT_CIFAR10_FOLDER "/" name ".bin", sha256, name, RT_CIFAR10_PYTHON_FOLDER "/" name},
    RT_CIFAR10_BATCHES(FILE_OF)
#undef FILE_OF
};

static const char *const class_names[RT_CLASSES] = {"airplane", "automobile", "bird",  "cat",  "deer",
                                                    "dog",      "frog",       "horse", "ship", "truck"};

/* A missing file means that this is not the data set (RT_EDATA); any other failure is the system's (RT_EIO). */
static int check_size(const char *path, struct rt_error *err)
{
    struct stat status;
    const long long want = RT_CIFAR10_FILE_BYTES;

    if (stat(path, &status)) {
        const enum rt_status kind = errno == ENOENT || errno == ENOTDIR ? RT_EDATA : RT_EIO;

        return rt_fail_errno(err, kind, errno, "%s", path);
    }
    if (!S_ISREG(status.st_mode))
        return rt_fail(err, RT_EDATA, "%s: not a regular file", path);
    if (status.st_size < want)
        return rt_fail(
            err, RT_EDATA,
            "%s: %lld bytes, expected %lld (10000 records of 3073): cut short in record %lld; get it "
            "again, e.g. with 'rethink data fetch'",
            path, (long long)status.st_size, want, (long long)status.st_size / RT_RECORD_BYTES);
    if (status.st_size > want)
        return rt_fail(
            err, RT_EDATA,
            "%s: %lld bytes, expected %lld (10000 records of 3073): not a batch of CIFAR-10's binary "
            "version",
            path, (long long)status.st_size, want);
    return RT_OK;
}

/* A name on its own line: 1 to 31 printable characters. Advances *text past the end of the line. */
static int read_name(const char **text, char name[32], const char *path, int line, struct rt_error *err)
{
    size_t length = strcspn(*text, "\r\n");

    if (length == 0 || length > 31)
        return rt_fail(err, RT_EDATA, "%s:%d: a line of %zu bytes, expected a class name of 1 to 31", path,
                       line, length);
    if (rt_utf8_plain_prefix(*text, length) < length)
        return rt_fail(err, RT_EDATA, "%s:%d: control character in the class name, or no UTF-8", path, line);
    memcpy(name, *text, length);
    name[length] = '\0';
    *text += length;
    *text += **text == '\r';
    *text += **text == '\n';
    return RT_OK;
}

/* The class names in label order; a data set without them is assumed to have CIFAR-10's. */
static int read_names(struct rt_source *source, struct rt_error *err)
{
    char path[RT_PATH_MAX], *bytes;
    const char *text;
    size_t size;
    int rc = RT_OK;

    for (int i = 0; i < RT_CLASSES; i++)
        snprintf(source->classes[i], sizeof source->classes[i], "%s", class_names[i]);
    RT_TRY(rt_path_join(path, source->where, RT_CIFAR10_NAMES, err));
    if (!rt_path_exists(path))
        return RT_OK;
    if (!rt_path_is_file(path)) /* a FIFO would be waited for */
        return rt_fail(err, RT_EIO, "%s is no regular file", path);
    RT_TRY(rt_file_read_all(path, NAMES_BYTES_MAX, &bytes, &size, err));
    text = bytes + rt_utf8_mark(bytes, size);
    for (int i = 0; i < RT_CLASSES && !rc; i++)
        rc = read_name(&text, source->classes[i], path, i + 1, err);
    rt_free(&bytes);
    return rc;
}

/* The directory of the files: `given` itself or an official folder in it; *python: it has the Python version's
 * only. RT_EDATA when there are none. */
static int look_for(const char *given, char directory[RT_PATH_MAX], bool *python, struct rt_error *err)
{
    static const struct {
        const char *below;
        bool python;
    } places[] = {{"", false}, {RT_CIFAR10_FOLDER, false}, {"", true}, {RT_CIFAR10_PYTHON_FOLDER, true}};
    const struct rt_cifar10_file *first = &rt_cifar10_files[0];
    char path[RT_PATH_MAX];

    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        *python = places[i].python;
        RT_TRY(rt_path_join(directory, given, places[i].below, err));
        RT_TRY(rt_path_join(path, directory, *python ? first->python : first->name, err));
        if (access(path, F_OK) == 0)
            return RT_OK;
        if (errno != ENOENT && errno != ENOTDIR)
            return rt_fail_errno(err, RT_EIO, errno, "%s", path);
    }
    return rt_fail(err, RT_EDATA,
                   "%s: no CIFAR-10 here (neither %s nor %s, nor " RT_CIFAR10_FOLDER
                   " or " RT_CIFAR10_PYTHON_FOLDER
                   "): get it with 'rethink data fetch', or give --data DIR or --data shapes10",
                   given, first->name, first->python);
}

static int cifar10_find(const struct rt_source_kind **kind, const char *directory, struct rt_error *err)
{
    char folder[RT_PATH_MAX];
    bool python;

    RT_TRY(look_for(directory, folder, &python, err));
    *kind = &rt_source_cifar10;
    return RT_OK;
}

/* The Python version's batches become the source's state. */
static int open_python(struct rt_source *source, struct rt_error *err)
{
    struct rt_pickle_batch *batches;
    char path[RT_PATH_MAX];
    int rc = RT_OK;

    RT_TRY(rt_alloc(&batches, RT_CIFAR10_FILES, sizeof *batches, "the batches' labels", err));
    for (int i = 0; i < RT_CIFAR10_FILES && !rc; i++)
        if (!(rc = rt_path_join(path, source->where, rt_cifar10_files[i].python, err)))
            rc = rt_pickle_read(&batches[i], path, NULL, err);
    if (rc)
        rt_free(&batches);
    source->state = batches;
    return rc;
}

static int check_sizes(const struct rt_source *source, struct rt_error *err)
{
    char path[RT_PATH_MAX];

    for (int i = 0; i < RT_CIFAR10_FILES; i++) {
        RT_TRY(rt_path_join(path, source->where, rt_cifar10_files[i].name, err));
        RT_TRY(check_size(path, err));
    }
    return RT_OK;
}

static int cifar10_open(struct rt_source *source, const char *given, struct rt_error *err)
{
    char directory[RT_PATH_MAX], canonical[PATH_MAX];
    bool python;

    RT_TRY(look_for(given, directory, &python, err));
    if (!realpath(directory, canonical))
        return rt_fail_errno(err, RT_EIO, errno, "%s", directory);
    if (!rt_copy_text(source->where, sizeof source->where, canonical))
        return rt_fail(err, RT_EDATA, "%s: the path is longer than %zu bytes", directory,
                       sizeof source->where - 1);
    RT_TRY(read_names(source, err));
    return python ? open_python(source, err) : check_sizes(source, err);
}

/* `count` pieces from piece `at` on of what begins at `offset` in a file; one that shrinks while it is read is
 * an error like any short one. */
static int read_pieces(const char *path, int64_t offset, size_t at, size_t count, size_t piece, uint8_t *bytes,
                       struct rt_error *err)
{
    const size_t size = count * piece;
    size_t got = 0;
    int fd, rc;

    RT_TRY(rt_file_open(&fd, path, RT_OPEN_READ, err));
    if (lseek(fd, (off_t)(offset + (int64_t)(at * piece)), SEEK_SET) < 0)
        rc = rt_fail_errno(err, RT_EIO, errno, "%s: record %zu", path, at);
    else
        rc = rt_file_read(fd, path, bytes, size, &got, err);
    if (!rc && got < size)
        rc = rt_fail(err, RT_EDATA, "%s: ends in record %zu while it is read", path, at + got / piece);
    rt_file_close_read(&fd);
    return rc;
}

/* Pixels, read to the end of the records' memory, move to their places behind the labels, the first one first.
 */
static int read_batch(const struct rt_pickle_batch *batch, const char *path, size_t at, size_t count,
                      uint8_t *records, struct rt_error *err)
{
    uint8_t *pixels = records + count;

    RT_TRY(read_pieces(path, batch->pixels_at, at, count, RT_PICKLE_IMAGE_BYTES, pixels, err));
    for (size_t i = 0; i < count; i++) {
        memmove(records + i * RT_RECORD_BYTES + 1, pixels + i * RT_PICKLE_IMAGE_BYTES, RT_PICKLE_IMAGE_BYTES);
        records[i * RT_RECORD_BYTES] = batch->labels[at + i];
    }
    return RT_OK;
}

/* ---- from the Python version to the binary one ---- */

static int write_batch(const struct rt_pickle_batch *batch, const char *python, const char *binary,
                       uint8_t *records, struct rt_error *err)
{
    int fd = -1, rc = RT_OK;

    RT_TRY(rt_file_open(&fd, binary, RT_OPEN_NEW, err));
    for (size_t at = 0; at < RT_CIFAR10_RECORDS && !rc; at += RT_READ_RECORDS)
        if (!(rc = read_batch(batch, python, at, RT_READ_RECORDS, records, err)))
            rc = rt_file_write(fd, binary, records, (size_t)RT_READ_RECORDS * RT_RECORD_BYTES, err);
    if (!rc)
        rc = rt_file_sync(fd, binary, err);
    if (rc) {
        rt_file_close_read(&fd);
        return rc;
    }
    return rt_file_close(&fd, binary, err);
}

static int write_names(const char *folder, struct rt_error *err)
{
    char path[RT_PATH_MAX], names[RT_CLASSES * 32];
    int size = 0;

    for (int i = 0; i < RT_CLASSES; i++)
        size += snprintf(names + size, sizeof names - (size_t)size, "%s\n", class_names[i]);
    RT_TRY(rt_path_join(path, folder, RT_CIFAR10_NAMES, err));
    return rt_file_write_all(path, names, (size_t)size, err);
}

int rt_cifar10_convert(const char *folder, const char *archive, struct rt_error *err)
{
    char python[RT_PATH_MAX], binary[RT_PATH_MAX], shown[RT_PATH_MAX + 64];
    struct rt_pickle_batch *batch = NULL;
    uint8_t *records = NULL;
    int rc;

    if (!(rc = rt_alloc(&batch, 1, sizeof *batch, "a batch's labels", err)))
        rc = rt_alloc(&records, RT_READ_RECORDS, RT_RECORD_BYTES, "the records being read", err);
    for (int i = 0; i < RT_CIFAR10_FILES && !rc; i++) {
        const struct rt_cifar10_file *file = &rt_cifar10_files[i];

        snprintf(shown, sizeof shown, "%s: %s", archive, file->python_path);
        if (!(rc = rt_path_join(python, folder, file->python, err)) &&
            !(rc = rt_path_join(binary, folder, file->name, err)) &&
            !(rc = rt_pickle_read(batch, python, shown, err)) &&
            !(rc = write_batch(batch, python, binary, records, err)))
            rc = rt_file_remove(python, err);
    }
    rt_free(&records);
    rt_free(&batch);
    return rc ? rc : write_names(folder, err);
}

static int cifar10_read(const struct rt_source *source, size_t first, size_t count, uint8_t *records,
                        struct rt_error *err)
{
    const size_t file = first / RT_CIFAR10_RECORDS, at = first % RT_CIFAR10_RECORDS;
    const struct rt_pickle_batch *batches = source->state;
    const struct rt_cifar10_file *names = &rt_cifar10_files[file];
    char path[RT_PATH_MAX];

    RT_TRY(rt_path_join(path, source->where, batches ? names->python : names->name, err));
    if (batches)
        RT_TRY(read_batch(&batches[file], path, at, count, records, err));
    else
        RT_TRY(read_pieces(path, 0, at, count, RT_RECORD_BYTES, records, err));
    for (size_t i = 0; i < count; i++) {
        const int label = records[i * RT_RECORD_BYTES];

        if (label >= RT_CLASSES)
            return rt_fail(err, RT_EDATA, "%s: record %zu has label %d, expected 0..%d", path, at + i, label,
                           RT_CLASSES - 1);
    }
    return RT_OK;
}

static const char *cifar10_block_name(size_t block)
{
    return rt_cifar10_files[block].name;
}

static const char *cifar10_official(size_t block)
{
    return rt_cifar10_files[block].sha256;
}

const struct rt_source_kind rt_source_cifar10 = {
    .name = "cifar10",
    .help = "CIFAR-10 (Krizhevsky 2009), binary or Python version, from a directory",
    .channels = RT_CHANNELS,
    .side = RT_STORED,
    .train_count = 50000,
    .test_count = 10000,
    .block_records = RT_CIFAR10_RECORDS,
    .block_name = cifar10_block_name,
    .official = cifar10_official,
    .mean = {0.489255f, 0.475775f, 0.439889f},
    .std = {0.243047f, 0.239315f, 0.255997f},
    .sign = "data_batch_1.bin, data_batch_1",
    .find = cifar10_find,
    .open = cifar10_open,
    .read = cifar10_read,
};
