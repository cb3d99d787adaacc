/* Files: whole reads with a limit, and atomic writes: a reader sees the whole new file or none of it (written
 * under a temporary name, synced, renamed).
 *
 * Paths here are given by the user: links are followed. Files in a run's folder go through base/entry.h.
 *
 * Interrupted and partial calls are repeated; every write, sync and close is checked. All calls go through
 * base/system.h, where a test can make each of them fail. Errors are RT_EIO and name the path. */
#ifndef RT_BASE_FILE_H
#define RT_BASE_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/path.h"

/* The whole file in *bytes (rt_free it), with a NUL behind its *size bytes. RT_EDATA when it is larger than
 * limit_bytes; RT_EIO when it is not a file or cannot be read. */
int rt_file_read_all(const char *path, size_t limit_bytes, char **bytes, size_t *size, struct rt_error *err);

/* Replaces the file's content atomically and syncs the folder. */
int rt_file_write_all(const char *path, const void *bytes, size_t size, struct rt_error *err);

/* The same in pieces. After rt_writer_commit, or to give up (also after an error), rt_writer_free. */
struct rt_writer {
    int fd; /* 1 + the descriptor; 0: closed, so that a zeroed writer may be freed */
    char path[RT_PATH_MAX], temporary[RT_PATH_MAX];
};
/* RT_EIO when the path is a FIFO, a socket, a device or a folder: such a thing is not replaced. */
int rt_file_check_replaceable(const char *path, struct rt_error *err);
/* The same check first. */
int rt_writer_open(struct rt_writer *writer, const char *path, struct rt_error *err);
int rt_writer_write(struct rt_writer *writer, const void *bytes, size_t size, struct rt_error *err);
int rt_writer_commit(struct rt_writer *writer, struct rt_error *err);
void rt_writer_free(struct rt_writer *writer); /* removes the temporary file of an uncommitted writer */

/* Plain descriptors; `path` is only for messages. Descriptors are closed on exec, new files obey the umask. */
enum rt_open {
    RT_OPEN_READ,
    RT_OPEN_NEW,    /* for writing; must not exist */
    RT_OPEN_APPEND, /* for writing at the end; made if needed */
    RT_OPEN_UPDATE, /* for reading and writing; made if needed */
};
int rt_open_flags(enum rt_open how); /* of open(2) */
int rt_file_open(int *fd, const char *path, enum rt_open how, struct rt_error *err);
/* Reads until size bytes or the end of the file; *got says how many. */
int rt_file_read(int fd, const char *path, void *bytes, size_t size, size_t *got, struct rt_error *err);
/* What is left of an open file, as rt_file_read_all. */
int rt_file_read_rest(int fd, const char *path, size_t limit_bytes, char **bytes, size_t *size,
                      struct rt_error *err);
int rt_file_write(int fd, const char *path, const void *bytes, size_t size, struct rt_error *err);
int rt_file_sync(int fd, const char *path, struct rt_error *err);
/* Closes *fd if it is not negative and sets it to -1. */
int rt_file_close(int *fd, const char *path, struct rt_error *err);
void rt_file_close_read(int *fd); /* where nothing was written, a failing close loses nothing */

int rt_file_size(const char *path, uint64_t *size, struct rt_error *err);
int rt_file_cut(int fd, const char *path, uint64_t size, struct rt_error *err); /* back to `size` bytes */
/* Truncates the file to `size` bytes and syncs it. */
int rt_file_truncate(const char *path, uint64_t size, struct rt_error *err);

#endif
