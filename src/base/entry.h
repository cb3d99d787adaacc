/* Files and folders inside a folder that may be a stranger's (a run's): opened relative to it, no symbolic link
 * followed below it, nothing opened but regular files and folders.
 *
 * `folder` is the caller's word and may be reached through links. `name` is relative to it: parts separated by
 * '/', none of them empty, "." or "..". A link, a FIFO, a socket or a device is RT_EIO naming it, and is never
 * opened; so is, for writing in place, a file that has other names elsewhere (hard links). */
#ifndef RT_BASE_ENTRY_H
#define RT_BASE_ENTRY_H

#include "base/file.h"

enum rt_entry {
    RT_ENTRY_NONE, /* nothing there */
    RT_ENTRY_FILE, /* a regular file */
    RT_ENTRY_FOLDER,
    RT_ENTRY_OTHER, /* a link, FIFO, socket or device, or one on the way to it; or no leave to look */
};

/* What is there, as seen without opening it. */
enum rt_entry rt_entry_look(const char *folder, const char *name);

/* The path of the name, whose parents are checked to be folders and no links; for what replaces or removes the
 * name itself (rt_writer_open, rt_file_remove, rt_folder_make_temporary) and for messages. */
int rt_entry_path(char out[RT_PATH_MAX], const char *folder, const char *name, struct rt_error *err);

/* As rt_file_open, rt_file_read_all, ... of base/file.h and rt_folder_list, rt_folder_make of base/path.h. */
int rt_entry_open(int *fd, const char *folder, const char *name, enum rt_open how, struct rt_error *err);
int rt_entry_read(const char *folder, const char *name, size_t limit_bytes, char **bytes, size_t *size,
                  struct rt_error *err);
int rt_entry_write(const char *folder, const char *name, const void *bytes, size_t size, struct rt_error *err);
int rt_entry_size(const char *folder, const char *name, uint64_t *size, struct rt_error *err);
int rt_entry_truncate(const char *folder, const char *name, uint64_t size, struct rt_error *err);
int rt_entry_list(struct rt_names *names, const char *folder, const char *name, struct rt_error *err);
int rt_entry_make_folder(const char *folder, const char *name, struct rt_error *err); /* one level */

#endif
