#include "data/fetch.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/file.h"
#include "base/http.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/text.h"
#include "data/archive.h"
#include "data/cifar10.h"
#include "data/pickle.h"

enum { RETRIES = 3, NAMES_BYTES_MAX = 4096 };
enum { BINARY_VERSION, PYTHON_VERSION };

/* What a server must give, as bytes a second: 1 MB a minute; at the last try 50 kB. */
static const double floor_speed = 1e6 / 60, last_floor_speed = 5e4 / 60;

static const char *const cifar10_urls[] = {
    "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
    "https://mindspore-website.obs.cn-north-4.myhuaweicloud.com/notebook/datasets/cifar-10-binary.tar.gz",
    NULL,
};

const struct rt_fetch rt_fetch_cifar10 = {
    .urls = cifar10_urls,
    .sha256 = "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
    .archive_bytes = 170052171,
    .file_bytes = RT_CIFAR10_FILE_BYTES,
    .file_sha256 =
        {
#define DIGEST(name, sha256) sha256,
            RT_CIFAR10_BATCHES(DIGEST)
#undef DIGEST
        },
};

/* A download into a file that is kept when the download is interrupted. */
struct download {
    const struct rt_fetch *fetch;
    const char *url;
    char part[RT_PATH_MAX];
    int fd;
    int64_t size;       /* of the file so far */
    double floor_speed; /* below which the server is given up */
    bool slow;          /* the last failure was that */
    bool elsewhere;     /* it was one that another server, or another time, may not have */
    int status;         /* why `receive` stopped the transfer */
    struct rt_error err;
};

static int receive(void *context, const void *bytes, size_t size)
{
    struct download *d = context;

    if ((int64_t)size > d->fetch->archive_bytes - d->size)
        d->status = rt_fail(&d->err, RT_EDATA, "%s: more than the %lld bytes of the archive; not it", d->url,
                            (long long)d->fetch->archive_bytes);
    else
        d->status = rt_file_write(d->fd, d->part, bytes, size, &d->err);
    if (!d->status)
        d->size += (int64_t)size;
    return d->status;
}

static void progress_of_download(void *context, int64_t received, int64_t total)
{
    const struct download *d = context;

    (void)total; /* the server's idea of it */
    if (d->fetch->progress)
        d->fetch->progress(d->fetch->context, received, d->fetch->archive_bytes);
}

/* Discards what has been downloaded. */
static int start_over(struct download *d, struct rt_error *err)
{
    d->size = 0;
    return rt_file_truncate(d->part, 0, err);
}

/* One request for the missing part. *again: worth retrying. */
static int request_rest(struct download *d, struct rt_http *http, bool *again, struct rt_error *err)
{
    const double stall_s = d->fetch->stall_s > 0 ? d->fetch->stall_s : 60;
    const struct rt_http_request request = {
        .url = d->url,
        .timeout_s = stall_s,
        .floor_s = stall_s,
        .floor_bytes = (int64_t)(d->floor_speed * stall_s),
        .receive = receive,
        .progress = progress_of_download,
        .context = d,
        .offset = d->size,
        .follow = true,
        .local = true,
    };
    struct rt_http_answer answer = {0};
    char shown[512];
    int rc = rt_http_send(http, &request, &answer, err);
    const int status = answer.status;

    *again = false;
    d->elsewhere = rc && answer.outcome != RT_HTTP_REFUSED;
    d->slow = rc && answer.outcome == RT_HTTP_SLOW;
    if (d->status) {
        d->elsewhere = false;
        *err = d->err;
        rc = d->status;
    } else if (request.offset > 0 && (status == 416 || (rc && status == 200))) {
        *again = true; /* the server cannot resume */
        rc = start_over(d, err);
    } else if (rc) {
        *again = answer.outcome == RT_HTTP_LOST ||
                 (answer.outcome == RT_HTTP_UNREACHED && d->size > 0); /* not SLOW */
    } else if (status != 0 && status != 200 && status != 206) {
        *again = d->elsewhere = status >= 500 || status == 429;
        rc = rt_fail(err, RT_EIO, "GET %s: the server answers %d", rt_http_shown(d->url, shown, sizeof shown),
                     status);
    }
    rt_http_answer_free(&answer);
    return rc;
}

/* Repeats until the file is complete; gives up after several consecutive requests without progress. */
static int download_rest(struct download *d, struct rt_error *err)
{
    struct rt_http *http = NULL;
    int64_t furthest = d->size;
    int rc = RT_OK, fruitless = 0;

    if (d->size > d->fetch->archive_bytes)
        RT_TRY(start_over(d, err));
    RT_TRY(rt_http_create(&http, err));
    while (d->size < d->fetch->archive_bytes) {
        bool again;

        rc = request_rest(d, http, &again, err);
        if (!rc && !again)
            break;
        fruitless = d->size > furthest ? 0 : fruitless + 1;
        furthest = d->size > furthest ? d->size : furthest;
        if (!again || fruitless > RETRIES)
            break;
        if (rc)
            rt_clock_sleep_s(fruitless * (d->fetch->retry_s > 0 ? d->fetch->retry_s : 1));
    }
    rt_http_free(&http);
    return rc;
}

static int verify(const struct rt_fetch *fetch, const char *archive, const char *origin, struct rt_error *err)
{
    char hex[RT_DIGEST_HEX];
    uint64_t size;

    if (!rt_path_is_file(archive))
        return rt_fail(err, RT_EIO, "%s: no such file, or not a regular one", archive);
    RT_TRY(rt_file_size(archive, &size, err));
    if (size != (uint64_t)fetch->archive_bytes)
        return rt_fail(err, RT_EDATA, "%s: %llu bytes, expected %lld: not the %s, or not all of it", origin,
                       (unsigned long long)size, (long long)fetch->archive_bytes,
                       fetch->md5 ? "official file" : "archive");
    RT_TRY(fetch->md5 ? rt_digest_file_md5(archive, hex, err) : rt_digest_file(archive, hex, err));
    if (strcmp(hex, fetch->md5 ? fetch->md5 : fetch->sha256))
        return rt_fail(err, RT_EDATA, "%s: %s %s, expected %s: not the official %s, so not used", origin,
                       fetch->md5 ? "MD5" : "SHA-256", hex, fetch->md5 ? fetch->md5 : fetch->sha256,
                       fetch->md5 ? "file" : "archive");
    return RT_OK;
}

/* The archive from one URL in d->part, beginning with what is there. One that is whole but wrong is removed. */
static int download_once(struct download *d, bool *resumed, struct rt_error *err)
{
    char shown[512];
    uint64_t size;
    int rc;

    d->status = RT_OK;
    *resumed = false;
    RT_TRY(rt_file_open(&d->fd, d->part, RT_OPEN_APPEND, err));
    if (!(rc = rt_file_size(d->part, &size, err))) {
        d->size = (int64_t)size;
        *resumed = size > 0;
        if (size)
            rt_log_info("resuming an earlier download at byte %llu", (unsigned long long)size);
        rc = download_rest(d, err);
    }
    if (rc)
        rt_file_close_read(&d->fd);
    else
        rc = rt_file_close(&d->fd, d->part, err);
    if (!rc)
        rc = verify(d->fetch, d->part, rt_http_shown(d->url, shown, sizeof shown), err);
    if (rc == RT_EDATA || d->size == 0)
        rt_file_remove(d->part, NULL);
    return rc;
}

/* What an earlier download left may be damaged: it is not synced, so lost power can leave zeros in it. */
static int download(struct download *d, struct rt_error *err)
{
    char shown[512];
    bool resumed;
    int rc;

    rt_log_info("fetching %s", rt_http_shown(d->url, shown, sizeof shown));
    rc = download_once(d, &resumed, err);
    if (rc != RT_EDATA || !resumed)
        return rc;
    rt_log_info("with what was there it is not the archive: once more, from the first byte");
    return download_once(d, &resumed, err);
}

/* Where the archive is not a pinned one, `sha256` is null, and it may be the Python version's. */
static int unpack(const struct rt_fetch *fetch, const char *archive, const char *sha256, const char *folder,
                  int *version, struct rt_error *err)
{
    enum { BINARY_MEMBERS = RT_CIFAR10_FILES + 1, MEMBERS = BINARY_MEMBERS + RT_CIFAR10_FILES };
    const int64_t size = fetch->file_bytes, pixels = (int64_t)RT_PICKLE_IMAGES * RT_PICKLE_IMAGE_BYTES;
    struct rt_archive_member members[MEMBERS];

    for (int i = 0; i < RT_CIFAR10_FILES; i++) {
        const struct rt_cifar10_file *file = &rt_cifar10_files[i];

        members[i] = (struct rt_archive_member){file->path, file->name, size, size, BINARY_VERSION};
        members[BINARY_MEMBERS + i] = (struct rt_archive_member){file->python_path, file->python, pixels,
                                                                 RT_PICKLE_FILE_BYTES_MAX, PYTHON_VERSION};
    }
    members[RT_CIFAR10_FILES] = (struct rt_archive_member){
        RT_CIFAR10_FOLDER "/" RT_CIFAR10_NAMES, RT_CIFAR10_NAMES, 1, NAMES_BYTES_MAX, BINARY_VERSION};
    return rt_archive_unpack(archive, folder, members, sha256 ? BINARY_MEMBERS : MEMBERS, sha256, version, err);
}

/* An archive that was packed again is known by the digests of its files, as the binary version has them. */
static int verify_files(const struct rt_fetch *fetch, const char *archive, const char *folder, int version,
                        struct rt_error *err)
{
    char path[RT_PATH_MAX], hex[RT_DIGEST_HEX];

    for (int i = 0; i < RT_CIFAR10_FILES; i++) {
        RT_TRY(rt_path_join(path, folder, rt_cifar10_files[i].name, err));
        RT_TRY(rt_digest_file(path, hex, err));
        if (strcmp(hex, fetch->file_sha256[i]))
            return rt_fail(
                err, RT_EDATA,
                "%s: neither the official archive nor one of its files: %s in it has SHA-256 %s%s, expected "
                "%s, so not used",
                archive, version ? rt_cifar10_files[i].python_path : rt_cifar10_files[i].path, hex,
                version ? " as a file of the binary version" : "", fetch->file_sha256[i]);
    }
    return RT_OK;
}

/* `sha256` of the archive, or null: its files are to be looked at instead. */
static int install(const struct rt_fetch *fetch, const char *archive, const char *sha256, const char *home,
                   const char *target, struct rt_error *err)
{
    char temporary[RT_PATH_MAX];
    int rc, version;

    RT_TRY(rt_folder_make_temporary(temporary, target, err));
    if ((rc = unpack(fetch, archive, sha256, temporary, &version, err)) ||
        (rc = version == PYTHON_VERSION ? rt_cifar10_convert(temporary, archive, err) : RT_OK) ||
        (rc = sha256 ? RT_OK : verify_files(fetch, archive, temporary, version, err)) ||
        (rc = rt_folder_replace(temporary, target, err)))
        rt_tree_remove(temporary, home, NULL);
    return rc;
}

/* One that is to be had at `url`: its path in archive[]; *downloaded: it is ours to remove. */
static int obtain_from(struct download *d, const char *url, char archive[RT_PATH_MAX], bool *downloaded,
                       struct rt_error *err)
{
    const bool local = !strstr(url, "://");

    d->url = url;
    d->elsewhere = d->slow = false;
    *downloaded = !local;
    rt_copy_text(archive, RT_PATH_MAX, local ? url : d->part);
    if (!local)
        return download(d, err);
    if (!rt_path_is_file(url))
        return rt_fail(err, RT_EIO, "%s: no such file, or not a regular one", url);
    return RT_OK; /* looked at when it is unpacked */
}

/* What else can be done, where the trouble is the network's or the servers'. */
static int advise(const struct rt_fetch *fetch, int rc, bool elsewhere, struct rt_error *err)
{
    const struct rt_error cause = *err;

    if (rc != RT_EIO || !elsewhere || !fetch->advice)
        return rc;
    return rt_fail(err, RT_EIO, "%.700s; %s", cause.message, fetch->advice);
}

/* From the first URL that gives it; when none does, from the first once more, more patiently, if it was slow or
 * broke off. */
static int obtain(const struct rt_fetch *fetch, const char *home, char archive[RT_PATH_MAX], bool *downloaded,
                  struct rt_error *err)
{
    struct download d = {.fetch = fetch, .fd = -1, .floor_speed = floor_speed};
    bool first_again = false;
    int rc = RT_EIO;

    RT_TRY(rt_path_join(d.part, home, fetch->part ? fetch->part : ".cifar-10-binary.tar.gz.part", err));
    for (int i = 0; fetch->urls[i]; i++) {
        if (i)
            rt_log_warn("%s", err->message);
        rc = obtain_from(&d, fetch->urls[i], archive, downloaded, err);
        if (!rc || rc == RT_EMEMORY)
            return rc;
        if (i == 0)
            first_again = d.elsewhere;
    }
    if (!first_again || (!fetch->urls[1] && !d.slow))
        return advise(fetch, rc, d.elsewhere, err);
    rt_log_warn("%s", err->message);
    rt_log_info("the first server once more");
    d.floor_speed = last_floor_speed;
    rc = obtain_from(&d, fetch->urls[0], archive, downloaded, err);
    return advise(fetch, rc, d.elsewhere, err);
}

int rt_fetch_obtain(const struct rt_fetch *fetch, const char *home, char path[RT_PATH_MAX], bool *downloaded,
                    struct rt_error *err)
{
    RT_TRY(obtain(fetch, home, path, downloaded, err));
    return *downloaded ? RT_OK : verify(fetch, path, path, err);
}

int rt_fetch_install(const struct rt_fetch *fetch, const char *home, char installed[RT_PATH_MAX],
                     struct rt_error *err)
{
    char archive[RT_PATH_MAX];
    struct rt_error ignored;
    bool downloaded = false;
    struct rt_lock lock;
    int rc;

    err = err ? err : &ignored;
    RT_TRY(rt_folder_make(home, err));
    RT_TRY(rt_path_join(installed, home, RT_CIFAR10_FOLDER, err));
    if (!fetch->replace && rt_path_exists(installed))
        return rt_fail(err, RT_EIO,
                       "%s is there already: look at it with 'rethink data check', replace it with --force",
                       installed);
    RT_TRY(rt_lock_acquire(&lock, home, "fetch.lock", err));
    if (!(rc = rt_folder_remove_temporaries(home, err)) &&
        !(rc = obtain(fetch, home, archive, &downloaded, err)) &&
        !(rc = install(fetch, archive, downloaded ? fetch->sha256 : NULL, home, installed, err)) && downloaded)
        rc = rt_file_remove(archive, err);
    rt_lock_remove(&lock);
    return rc;
}
