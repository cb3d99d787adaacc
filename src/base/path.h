/* Paths and folders: joining, querying, creating, listing, removing. Errors: RT_EIO, naming the path. */
#ifndef RT_BASE_PATH_H
#define RT_BASE_PATH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

enum { RT_PATH_MAX = 4096 };

/* out = folder "/" name; an empty folder gives the name alone. RT_EIO when longer than RT_PATH_MAX. `out` may
 * be `folder`. */
int rt_path_join(char out[RT_PATH_MAX], const char *folder, const char *name, struct rt_error *err);
/* out = the path's folder ("." for a bare name). */
int rt_path_folder(char out[RT_PATH_MAX], const char *path, struct rt_error *err);
const char *rt_path_name(const char *path); /* what follows the last slash */
bool rt_path_has_suffix(const char *path, const char *suffix);

bool rt_path_exists(const char *path); /* whatever it is, a dangling link included */
bool rt_path_is_file(const char *path);
bool rt_path_is_folder(const char *path);

/* mkdir -p. Each folder that is created survives a power cut. An existing one is fine; a file in the way is
 * RT_EIO naming it. */
int rt_folder_make(const char *path, struct rt_error *err);
/* Makes renames, new files and removals in the folder durable: they survive a power cut. */
int rt_folder_sync(const char *path, struct rt_error *err);

/* The names in a folder, sorted by bytes, without "." and "..". Free also after an error. */
struct rt_names {
    char **items;
    int count;
};
int rt_folder_list(struct rt_names *names, const char *path, struct rt_error *err);
void rt_names_free(struct rt_names *names);

/* A folder to build aside: makes ".NAME.RANDOM.tmp" beside `path` and writes its path to out. Then
 * rt_folder_commit syncs it and renames it to `path`, which must not exist: a reader sees all of it or nothing.
 * rt_folder_replace does the same where there may be a folder already, which a reader sees until the new one is
 * there whole, and which is removed then. */
int rt_folder_make_temporary(char out[RT_PATH_MAX], const char *path, struct rt_error *err);
int rt_folder_commit(const char *temporary, const char *path, struct rt_error *err);
int rt_folder_replace(const char *temporary, const char *path, struct rt_error *err);

/* Removes a file; one that is not there is fine. */
int rt_file_remove(const char *path, struct rt_error *err);
int rt_path_rename(const char *from, const char *to, struct rt_error *err);

/* Removes `path` and all in it, following no link. It must lie inside the folder `inside` (both as they really
 * are), else RT_EIO and nothing is touched. One that is not there is fine. */
int rt_tree_remove(const char *path, const char *inside, struct rt_error *err);
int rt_tree_check(const char *path, const char *inside, struct rt_error *err); /* does it lie there? */

/* The same for a folder that is whole or not there: it loses its name, which lasts through a power cut, before
 * anything in it goes. */
int rt_tree_discard(const char *path, const char *inside, struct rt_error *err);

/* Removes what killed processes left half-made in the folder: names of the form ".*.RANDOM.tmp" (and
 * ".*.PID-N.tmp" of earlier versions). The caller must hold the folder's lock. */
int rt_folder_remove_temporaries(const char *path, struct rt_error *err);

/* ".NAME.RANDOM.tmp" beside path. A maker of files takes another one where it exists (EEXIST). */
int rt_path_temporary(char out[RT_PATH_MAX], const char *path, struct rt_error *err);

#endif
