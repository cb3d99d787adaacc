/* Unpacking an untrusted tar (plain, gzip, bzip2, xz, zstd or lz4): only the requested members, only regular
 * files, only of the expected sizes. The only file that knows libarchive is archive.c. */
#ifndef RT_DATA_ARCHIVE_H
#define RT_DATA_ARCHIVE_H

#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/error.h"

struct rt_archive_member {
    const char *path; /* in the archive, exactly (a leading "./" aside) */
    const char *name; /* of the file it becomes in the folder */
    int64_t size_min, size_max;
    int version; /* of the data set: an archive has the members of one version */
};

/* Writes each of `count` members into `folder`, from a regular file that is opened once. `sha256`, if not null,
 * is what all bytes of the file must hash to, as they were read here: the file may have changed since it was
 * looked at (RT_EDATA then, like all else that is wrong with it). Other members are skipped. *version: that
 * of the first requested member met; all requested ones of it must be there, and those of others are skipped.
 * RT_EDATA, naming archive and member: not a whole tar; a requested member missing, duplicate, of another size,
 * or not a regular file; too much other content. RT_EIO. Files written before the error are left: unpack into
 * an empty folder. */
int rt_archive_unpack(const char *archive, const char *folder, const struct rt_archive_member *members,
                      int count, const char *sha256, int *version, struct rt_error *err);

/* One file, plain or compressed with gzip, whatever its name: what is in it, in order. */
struct rt_unzip;

/* RT_EIO, RT_EMEMORY. */
int rt_unzip_open(struct rt_unzip **unzip, const char *path, struct rt_error *err);
/* *got < size only at the end. RT_EDATA "PATH: ...": damaged or cut short. */
int rt_unzip_read(struct rt_unzip *unzip, void *bytes, size_t size, size_t *got, struct rt_error *err);
/* Reads the file to its end, of which the content has been read: its MD5 as it is. RT_EDATA: of a gzipped one,
 * the checksum or length is not that of what was read. */
int rt_unzip_finish(struct rt_unzip *unzip, char hex[RT_DIGEST_HEX], struct rt_error *err);
void rt_unzip_close(struct rt_unzip **unzip); /* accepts null */

#endif
