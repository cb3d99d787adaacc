#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/memory.h"
#include "base/system.h"
#include "base/text.h"

int rt_open_flags(enum rt_open how)
{
    static const int flags[] = {
        [RT_OPEN_READ] = O_RDONLY,
        [RT_OPEN_NEW] = O_WRONLY | O_CREAT | O_EXCL,
        [RT_OPEN_APPEND] = O_WRONLY | O_CREAT | O_APPEND,
        [RT_OPEN_UPDATE] = O_RDWR | O_CREAT,
    };

    return flags[how];
}

int rt_file_open(int *fd, const char *path, enum rt_open how, struct rt_error *err)
{
    *fd = rt_system_open(path, rt_open_flags(how), 0666);
    if (*fd < 0)
        return rt_fail_errno(err, RT_EIO, errno, "cannot %s %s", how == RT_OPEN_READ ? "open" : "write", path);
    return RT_OK;
}

int rt_file_read(int fd, const char *path, void *bytes, size_t size, size_t *got, struct rt_error *err)
{
    *got = 0;
    while (*got < size) {
        const ssize_t part = rt_system_read(fd, path, (char *)bytes + *got, size - *got);

        if (part < 0)
            return rt_fail_errno(err, RT_EIO, errno, "cannot read %s", path);
        if (!part)
            break;
        *got += (size_t)part;
    }
    return RT_OK;
}

int rt_file_write(int fd, const char *path, const void *bytes, size_t size, struct rt_error *err)
{
    size_t put = 0;

    while (put < size) {
        const ssize_t part = rt_system_write(fd, path, (const char *)bytes + put, size - put);

        if (part <= 0)
            return rt_fail_errno(err, RT_EIO, part ? errno : ENOSPC, "cannot write %s", path);
        put += (size_t)part;
    }
    return RT_OK;
}

int rt_file_sync(int fd, const char *path, struct rt_error *err)
{
    if (rt_system_fsync(fd, path))
        return rt_fail_errno(err, RT_EIO, errno, "cannot write %s to disk", path);
    return RT_OK;
}

int rt_file_close(int *fd, const char *path, struct rt_error *err)
{
    const int closing = *fd;

    if (closing < 0)
        return RT_OK;
    *fd = -1;
    if (rt_system_close(closing, path))
        return rt_fail_errno(err, RT_EIO, errno, "cannot write %s", path);
    return RT_OK;
}

void rt_file_close_read(int *fd)
{
    if (*fd >= 0)
        rt_system_close(*fd, "");
    *fd = -1;
}

/* Reads an open file of unknown size (what stat says may change, and is 0 in /proc). */
static int read_growing(int fd, const char *path, size_t limit, struct rt_text *text, struct rt_error *err)
{
    enum { PIECE = 1 << 16 };
    char *piece;
    size_t got = 0;
    int rc;

    RT_TRY(rt_alloc(&piece, PIECE, 1, "a piece of a file", err));
    do {
        if ((rc = rt_file_read(fd, path, piece, PIECE, &got, err)))
            break;
        if (text->length + got > limit) {
            rc = rt_fail(err, RT_EDATA, "%s is larger than %zu bytes: not a file of this kind", path, limit);
            break;
        }
        rt_text_append_bytes(text, piece, got);
    } while (got == PIECE);
    rt_free(&piece);
    return rc ? rc : rt_text_check(text, err);
}

int rt_file_read_rest(int fd, const char *path, size_t limit_bytes, char **bytes, size_t *size,
                      struct rt_error *err)
{
    struct rt_text text = {0};
    struct stat status;
    size_t length;
    int rc;

    if (fstat(fd, &status))
        rc = rt_fail_errno(err, RT_EIO, errno, "cannot look at %s", path);
    else if (S_ISDIR(status.st_mode))
        rc = rt_fail(err, RT_EIO, "%s is a folder: a file is wanted", path);
    else
        rc = read_growing(fd, path, limit_bytes, &text, err);
    length = text.length;
    if (!rc)
        rc = rt_text_take(&text, bytes, err);
    rt_text_free(&text);
    if (!rc)
        *size = length;
    return rc;
}

int rt_file_read_all(const char *path, size_t limit_bytes, char **bytes, size_t *size, struct rt_error *err)
{
    int fd, rc;

    RT_TRY(rt_file_open(&fd, path, RT_OPEN_READ, err));
    rc = rt_file_read_rest(fd, path, limit_bytes, bytes, size, err);
    rt_file_close_read(&fd);
    return rc;
}

/* A device must not become a file (`/dev/null`, or a link to one), nor a FIFO. */
int rt_file_check_replaceable(const char *path, struct rt_error *err)
{
    struct stat status;

    if (!stat(path, &status) && !S_ISREG(status.st_mode))
        return rt_fail(err, RT_EIO, "%s is no regular file: it is not replaced by one", path);
    return RT_OK;
}

int rt_writer_open(struct rt_writer *writer, const char *path, struct rt_error *err)
{
    enum { TRIES = 100 };
    int fd = -1;

    *writer = (struct rt_writer){0};
    if (!rt_copy_text(writer->path, sizeof writer->path, path))
        return rt_fail(err, RT_EIO, "%.200s...: the path is longer than %d bytes", path, RT_PATH_MAX - 1);
    RT_TRY(rt_file_check_replaceable(path, err));
    for (int i = 0; i < TRIES && fd < 0; i++) {
        RT_TRY(rt_path_temporary(writer->temporary, path, err));
        fd = rt_system_open(writer->temporary, O_WRONLY | O_CREAT | O_EXCL, 0666);
        if (fd < 0 && errno != EEXIST)
            break;
    }
    if (fd < 0)
        return rt_fail_errno(err, RT_EIO, errno, "cannot write %s", writer->temporary);
    writer->fd = fd + 1;
    return RT_OK;
}

int rt_writer_write(struct rt_writer *writer, const void *bytes, size_t size, struct rt_error *err)
{
    return rt_file_write(writer->fd - 1, writer->path, bytes, size, err);
}

int rt_writer_commit(struct rt_writer *writer, struct rt_error *err)
{
    char folder[RT_PATH_MAX];
    int fd = writer->fd - 1;

    RT_TRY(rt_path_folder(folder, writer->path, err));
    RT_TRY(rt_file_sync(fd, writer->path, err));
    writer->fd = 0;
    if (rt_file_close(&fd, writer->path, err) || rt_path_rename(writer->temporary, writer->path, err)) {
        rt_file_remove(writer->temporary, NULL);
        return err ? (int)err->status : RT_EIO;
    }
    return rt_folder_sync(folder, err);
}

void rt_writer_free(struct rt_writer *writer)
{
    int fd = writer->fd - 1;

    if (fd >= 0) {
        rt_file_close_read(&fd);
        rt_file_remove(writer->temporary, NULL);
    }
    writer->fd = 0;
}

int rt_file_write_all(const char *path, const void *bytes, size_t size, struct rt_error *err)
{
    struct rt_writer writer;
    int rc;

    if (!(rc = rt_writer_open(&writer, path, err)) && !(rc = rt_writer_write(&writer, bytes, size, err)))
        rc = rt_writer_commit(&writer, err);
    rt_writer_free(&writer);
    return rc;
}

int rt_file_size(const char *path, uint64_t *size, struct rt_error *err)
{
    struct stat status;

    if (stat(path, &status))
        return rt_fail_errno(err, RT_EIO, errno, "cannot look at %s", path);
    *size = (uint64_t)status.st_size;
    return RT_OK;
}

int rt_file_cut(int fd, const char *path, uint64_t size, struct rt_error *err)
{
    if (rt_system_ftruncate(fd, path, (off_t)size))
        return rt_fail_errno(err, RT_EIO, errno, "cannot cut %s back to %ju bytes", path, (uintmax_t)size);
    return RT_OK;
}

int rt_file_truncate(const char *path, uint64_t size, struct rt_error *err)
{
    int fd = rt_system_open(path, O_WRONLY, 0), rc;

    if (fd < 0)
        return rt_fail_errno(err, RT_EIO, errno, "cannot write %s", path);
    if (!(rc = rt_file_cut(fd, path, size, err)))
        rc = rt_file_sync(fd, path, err);
    if (rt_file_close(&fd, path, rc ? NULL : err) && !rc)
        rc = RT_EIO;
    return rc;
}
