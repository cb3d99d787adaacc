/* Unpacking an untrusted tar (plain, gzip, bzip2, xz, zstd or lz4): only the requested members, only regular
 * files, only of the expected sizes. The only file that knows libarchive is archive.c. */
#ifndef RT_DATA_ARCHIVE_H
#define RT_DATA_ARCHIVE_H

#include <stdint.h>

#include "base/error.h"

struct rt_archive_member {
    const char *path; /* in the archive, exactly (a leading "./" aside) */
    const char *name; /* of the file it becomes in the folder */
    int64_t size_min, size_max;
};

/* Writes each of `count` members into `folder`, from a regular file that is opened once. `sha256`, if not null,
 * is what all bytes of the file must hash to, as they were read here: the file may have changed since it was
 * looked at (RT_EDATA then, like all else that is wrong with it). Other members are skipped. RT_EDATA, naming
 * archive and member: not a whole tar; a requested member missing, duplicate, of another size, or not a
 * regular file; too much other content. RT_EIO. Files written before the error are left: unpack into an empty
 * folder. */
int rt_archive_unpack(const char *archive, const char *folder, const struct rt_archive_member *members,
                      int count, const char *sha256, struct rt_error *err);

#endif
