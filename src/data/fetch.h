/* Fetching: an archive over HTTP, from a file:// URL or from a path, checked against its pinned SHA-256 (a
 * path: or its files against theirs), and installed completely or not at all. */
#ifndef RT_DATA_FETCH_H
#define RT_DATA_FETCH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/path.h"

struct rt_fetch {
    const char *const *urls;    /* tried in order, ended by null; one without "://" is the path of an archive */
    const char *sha256;         /* of the archive: a server may give nothing else */
    const char *md5;            /* of files of which nothing else is published; null: sha256 counts */
    const char *part;           /* what an unfinished download is called in HOME; null: CIFAR-10's name */
    int64_t archive_bytes;      /* its size */
    int64_t file_bytes;         /* of each of the six files in it */
    const char *file_sha256[6]; /* theirs: a local archive that was packed again, or holds the Python version,
                                   is accepted for its files' sake */
    bool replace;               /* what is installed already */
    const char *advice;         /* ends the message when no server could be reached or had it; null: none */
    double stall_s; /* a server that gives less than 1 MB in 60 s, scaled to this time, is given up; 0: 60 */
    double retry_s; /* delay before the first retry, then twice and three times that; 0: 1 */
    void (*progress)(void *context, int64_t received, int64_t total); /* may be null */
    void *context;
};

/* CIFAR-10's binary version and its mirrors. */
extern const struct rt_fetch rt_fetch_cifar10;

/* Installs the files in HOME/cifar-10-batches-bin, whose path goes to `installed`; HOME is made if needed. A
 * path may be that of the Python version's archive, whose batches are installed as the same files. A server
 * that is slow, hangs or breaks off is followed by the next one, which resumes what there is, and in the end by
 * the first once more, from which a twentieth of that speed is taken. What is hashed is what is unpacked. An
 * interrupted download is kept in HOME and resumed the next time. RT_EIO: no server had it, or the disk failed;
 * RT_EDATA: not the pinned archive, and not its files packed again. */
int rt_fetch_install(const struct rt_fetch *fetch, const char *home, char installed[RT_PATH_MAX],
                     struct rt_error *err);

/* MNIST or Fashion-MNIST: four files. */
struct rt_fetch_files {
    const char *name;         /* as --data names it, and of the folder that they become in HOME */
    const char *const *bases; /* URLs or folders that the names follow, tried in order, ended by null */
    struct rt_fetch_file {
        const char *name, *md5;
        int64_t bytes;
    } files[4];
};
extern const struct rt_fetch_files rt_fetch_mnist, rt_fetch_fashion_mnist;

/* As rt_fetch_install, file by file; of `how`, what is not in `files` (replace, advice, progress) counts.
 * Errors as there. */
int rt_fetch_install_files(const struct rt_fetch_files *files, const struct rt_fetch *how, const char *home,
                           char installed[RT_PATH_MAX], struct rt_error *err);

/* One file, verified: its path goes to path[]. *downloaded: it is a file in HOME, to be moved or removed. The
 * caller holds HOME's lock. Errors as rt_fetch_install's. */
int rt_fetch_obtain(const struct rt_fetch *fetch, const char *home, char path[RT_PATH_MAX], bool *downloaded,
                    struct rt_error *err);

#endif
