#include "data/archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <string.h>

#include "base/digest.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"

enum { PIECE = 1 << 16, MEMBERS_MAX = 1000 };
static const int64_t total_max = INT64_C(1) << 30; /* of all members, according to their headers */

struct unpacking {
    const char *path, *folder;
    const struct rt_archive_member *members;
    int count;
    bool *seen;      /* [count] */
    int version;     /* of the first of them that was met; -1: none so far */
    char first[256]; /* member of all */
    struct archive *archive;
    char *piece;
    int fd;
    char *input; /* PIECE bytes of the file, as libarchive asks for them */
    struct rt_digest digest;
    struct rt_error reading; /* why a read failed */
};

static int broken(const struct unpacking *u, const char *where, struct rt_error *err)
{
    const char *reason = archive_error_string(u->archive);

    return rt_fail(err, RT_EDATA, "%s: %s: %s", u->path, where, reason ? reason : "not a whole tar archive");
}

/* Writes the archive's current member to its file in the folder. */
static int write_member(const struct unpacking *u, const struct rt_archive_member *member, int64_t size,
                        struct rt_error *err)
{
    char path[RT_PATH_MAX];
    int64_t left = size;
    int fd = -1, rc;

    RT_TRY(rt_path_join(path, u->folder, member->name, err));
    RT_TRY(rt_file_open(&fd, path, RT_OPEN_NEW, err));
    for (;;) {
        const la_ssize_t got = archive_read_data(u->archive, u->piece, PIECE);

        rc = RT_OK;
        if (got < 0)
            rc = broken(u, member->path, err);
        else if (got > left || (got == 0 && left > 0))
            rc = rt_fail(err, RT_EDATA, "%s: %s holds other than its %lld bytes", u->path, member->path,
                         (long long)size);
        if (rc || got == 0)
            break;
        if ((rc = rt_file_write(fd, path, u->piece, (size_t)got, err)))
            break;
        left -= got;
    }
    if (!rc)
        rc = rt_file_sync(fd, path, err);
    if (rc) {
        rt_file_close_read(&fd);
        return rc;
    }
    return rt_file_close(&fd, path, err);
}

static int find_member(const struct unpacking *u, const char *path)
{
    while (!strncmp(path, "./", 2))
        path += 2;
    for (int i = 0; i < u->count; i++)
        if (!strcmp(path, u->members[i].path))
            return i;
    return -1;
}

static int unpack_entry(struct unpacking *u, struct archive_entry *entry, struct rt_error *err)
{
    const char *path = archive_entry_pathname(entry);
    const int i = path ? find_member(u, path) : -1;
    const int64_t size = archive_entry_size(entry);
    const struct rt_archive_member *member = &u->members[i];

    if (path && !*u->first)
        snprintf(u->first, sizeof u->first, "%.*s", (int)sizeof u->first - 1, path);
    if (i < 0 || (u->version >= 0 && member->version != u->version))
        return RT_OK;
    u->version = member->version;
    if (archive_entry_filetype(entry) != AE_IFREG || archive_entry_hardlink(entry) ||
        archive_entry_symlink(entry))
        return rt_fail(err, RT_EDATA, "%s: %s is not a regular file", u->path, member->path);
    if (u->seen[i])
        return rt_fail(err, RT_EDATA, "%s: %s is there twice", u->path, member->path);
    if (!archive_entry_size_is_set(entry) || size < member->size_min || size > member->size_max)
        return rt_fail(err, RT_EDATA, "%s: %s is of %lld bytes, expected %lld to %lld", u->path, member->path,
                       (long long)size, (long long)member->size_min, (long long)member->size_max);
    u->seen[i] = true;
    return write_member(u, member, size, err);
}

static int check_all_seen(const struct unpacking *u, struct rt_error *err)
{
    const char *other = NULL; /* first member of another version than the first one's */

    for (int i = u->count - 1; i > 0; i--)
        other = u->members[i].version != u->members[0].version ? u->members[i].path : other;
    if (u->version < 0 && other)
        return rt_fail(err, RT_EDATA, "%s: has neither %s nor %s; %s%s%s", u->path, u->members[0].path, other,
                       *u->first ? "what it has begins with '" : "it is empty", u->first, *u->first ? "'" : "");
    for (int i = 0; i < u->count; i++)
        if (!u->seen[i] && (u->version < 0 || u->members[i].version == u->version))
            return rt_fail(err, RT_EDATA, "%s: has no %s", u->path, u->members[i].path);
    return RT_OK;
}

static int unpack_all(struct unpacking *u, struct rt_error *err)
{
    struct archive_entry *entry;
    int64_t total = 0;
    int status, entries = 0;

    while ((status = archive_read_next_header(u->archive, &entry)) == ARCHIVE_OK) {
        const int64_t size = archive_entry_size(entry);

        if (++entries > MEMBERS_MAX || size < 0 || size > total_max - total)
            return rt_fail(err, RT_EDATA, "%s: more in it than any data set has; nothing of it is used",
                           u->path);
        total += size;
        RT_TRY(unpack_entry(u, entry, err));
    }
    if (status != ARCHIVE_EOF)
        return broken(u, "cannot read on", err);
    return check_all_seen(u, err);
}

/* What libarchive reads passes here, and through the digest. */
static la_ssize_t read_piece(struct archive *archive, void *context, const void **bytes)
{
    struct unpacking *u = context;
    size_t got;

    if (rt_file_read(u->fd, u->path, u->input, PIECE, &got, &u->reading)) {
        archive_set_error(archive, EIO, "%s", u->reading.message);
        return -1;
    }
    rt_digest_update(&u->digest, u->input, got);
    *bytes = u->input;
    return (la_ssize_t)got;
}

static int open_archive(struct unpacking *u, struct rt_error *err)
{
    if (!rt_path_is_file(u->path))
        return rt_fail(err, RT_EIO, "%s: no such file, or not a regular one", u->path);
    RT_TRY(rt_file_open(&u->fd, u->path, RT_OPEN_READ, err));
    RT_TRY(rt_digest_start(&u->digest, err));
    u->archive = archive_read_new();
    if (!u->archive)
        return rt_fail(err, RT_EMEMORY, "cannot allocate an archive reader");
    if (archive_read_support_filter_gzip(u->archive) != ARCHIVE_OK ||
        archive_read_support_format_tar(u->archive) != ARCHIVE_OK)
        return broken(u, "cannot read tar.gz", err);
    /* what a libarchive lacks of these, it says when it meets it */
    archive_read_support_filter_bzip2(u->archive);
    archive_read_support_filter_xz(u->archive);
    archive_read_support_filter_zstd(u->archive);
    archive_read_support_filter_lz4(u->archive);
    if (archive_read_open(u->archive, u, NULL, read_piece, NULL) != ARCHIVE_OK)
        return broken(u, "cannot read", err);
    return RT_OK;
}

/* The rest of the file, behind the archive's end, belongs to the digest. */
static int check_digest(struct unpacking *u, const char *sha256, struct rt_error *err)
{
    char hex[RT_DIGEST_HEX];
    size_t got;

    do {
        RT_TRY(rt_file_read(u->fd, u->path, u->input, PIECE, &got, err));
        rt_digest_update(&u->digest, u->input, got);
    } while (got);
    RT_TRY(rt_digest_finish(&u->digest, hex, err));
    if (sha256 && strcmp(hex, sha256) != 0)
        return rt_fail(err, RT_EDATA,
                       "%s: changed while it was read: SHA-256 %s, expected %s; nothing of it is used", u->path,
                       hex, sha256);
    return RT_OK;
}

int rt_archive_unpack(const char *archive, const char *folder, const struct rt_archive_member *members,
                      int count, const char *sha256, int *version, struct rt_error *err)
{
    struct unpacking u = {
        .path = archive, .folder = folder, .members = members, .count = count, .version = -1, .fd = -1};
    int rc;

    if (!(rc = rt_alloc(&u.seen, (size_t)count, sizeof *u.seen, "the archive's members", err)) &&
        !(rc = rt_alloc(&u.piece, PIECE, 1, "a piece of the archive", err)) &&
        !(rc = rt_alloc(&u.input, PIECE, 1, "a piece of the archive", err)) && !(rc = open_archive(&u, err)) &&
        !(rc = unpack_all(&u, err)))
        rc = check_digest(&u, sha256, err);
    *version = u.version;
    archive_read_free(u.archive);
    rt_digest_free(&u.digest);
    rt_file_close_read(&u.fd);
    rt_free(&u.input);
    rt_free(&u.piece);
    rt_free(&u.seen);
    return rc;
}

/* ---- one file ---- */

enum { GZIP_TAIL = 8 };

struct rt_unzip {
    struct archive *archive;
    struct rt_digest md5;
    struct rt_error reading; /* why a read failed */
    int fd;
    bool ended;       /* nothing is left to be read */
    uint32_t crc;     /* of the content so far */
    uint64_t content; /* its size */
    uint64_t size;    /* of the file so far, its first two and last bytes */
    uint8_t head[2], tail[GZIP_TAIL];
    char path[RT_PATH_MAX];
    uint8_t input[PIECE];
};

/* The CRC-32 of gzip (RFC 1952), by bits: libarchive leaves it unchecked. */
static uint32_t crc32_more(uint32_t crc, const uint8_t *bytes, size_t size)
{
    static const uint32_t of_half[16] = {0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4,
                                         0x4db26158, 0x5005713c, 0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
                                         0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c};

    crc = ~crc;
    for (size_t i = 0; i < size; i++) {
        crc ^= bytes[i];
        crc = crc >> 4 ^ of_half[crc & 15];
        crc = crc >> 4 ^ of_half[crc & 15];
    }
    return ~crc;
}

/* What has been read of the file. */
static void note_input(struct rt_unzip *u, size_t size)
{
    for (size_t i = 0; i < size && u->size + i < sizeof u->head; i++)
        u->head[u->size + i] = u->input[i];
    if (size >= GZIP_TAIL) {
        memcpy(u->tail, &u->input[size - GZIP_TAIL], GZIP_TAIL);
    } else {
        memmove(u->tail, u->tail + size, GZIP_TAIL - size);
        memcpy(u->tail + GZIP_TAIL - size, u->input, size);
    }
    u->size += size;
    rt_digest_update(&u->md5, u->input, size);
}

static la_ssize_t read_zipped(struct archive *archive, void *context, const void **bytes)
{
    struct rt_unzip *u = context;
    size_t got;

    if (rt_file_read(u->fd, u->path, u->input, PIECE, &got, &u->reading)) {
        archive_set_error(archive, EIO, "%s", u->reading.message);
        return -1;
    }
    note_input(u, got);
    *bytes = u->input;
    return (la_ssize_t)got;
}

static int unzip_failed(const struct rt_unzip *u, struct rt_error *err)
{
    const char *reason = archive_error_string(u->archive);

    if (*u->reading.message) {
        *err = u->reading;
        return RT_EIO;
    }
    return rt_fail(err, RT_EDATA, "%s: damaged or cut short (%s); get it again", u->path,
                   reason ? reason : "not to be read");
}

static int open_unzip(struct rt_unzip *u, struct rt_error *err)
{
    struct archive_entry *entry;
    int status;

    if (!rt_path_is_file(u->path))
        return rt_fail(err, RT_EIO, "%s: no such file, or not a regular one", u->path);
    RT_TRY(rt_file_open(&u->fd, u->path, RT_OPEN_READ, err));
    RT_TRY(rt_digest_start_md5(&u->md5, err));
    if (!(u->archive = archive_read_new()))
        return rt_fail(err, RT_EMEMORY, "cannot allocate a reader of compressed files");
    if (archive_read_support_filter_gzip(u->archive) != ARCHIVE_OK ||
        archive_read_support_format_raw(u->archive) != ARCHIVE_OK ||
        archive_read_support_format_empty(u->archive) != ARCHIVE_OK ||
        archive_read_open(u->archive, u, NULL, read_zipped, NULL) != ARCHIVE_OK)
        return unzip_failed(u, err);
    status = archive_read_next_header(u->archive, &entry);
    u->ended = status == ARCHIVE_EOF; /* an empty file */
    return status == ARCHIVE_OK || u->ended ? RT_OK : unzip_failed(u, err);
}

int rt_unzip_open(struct rt_unzip **out, const char *path, struct rt_error *err)
{
    struct rt_unzip *u;
    int rc;

    RT_TRY(rt_alloc(&u, 1, sizeof *u, "a reader of compressed files", err));
    u->fd = -1;
    u->reading.message[0] = '\0';
    if (!(rc = rt_path_join(u->path, "", path, err)))
        rc = open_unzip(u, err);
    if (rc)
        rt_unzip_close(&u);
    *out = u;
    return rc;
}

int rt_unzip_read(struct rt_unzip *u, void *bytes, size_t size, size_t *got, struct rt_error *err)
{
    for (*got = 0; *got < size && !u->ended;) {
        const la_ssize_t n = archive_read_data(u->archive, (char *)bytes + *got, size - *got);

        if (n < 0)
            return unzip_failed(u, err);
        u->ended = n == 0;
        *got += (size_t)n;
    }
    u->crc = crc32_more(u->crc, bytes, *got);
    u->content += *got;
    return RT_OK;
}

static uint32_t little_endian(const uint8_t *bytes)
{
    return (uint32_t)bytes[3] << 24 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[1] << 8 | bytes[0];
}

int rt_unzip_finish(struct rt_unzip *u, char hex[RT_DIGEST_HEX], struct rt_error *err)
{
    size_t got;

    do {
        RT_TRY(rt_file_read(u->fd, u->path, u->input, PIECE, &got, err));
        note_input(u, got);
    } while (got);
    if (u->size >= GZIP_TAIL && u->head[0] == 0x1f && u->head[1] == 0x8b &&
        (little_endian(u->tail) != u->crc || little_endian(u->tail + 4) != (uint32_t)u->content))
        return rt_fail(err, RT_EDATA, "%s: damaged (its content has not gzip's checksum); get it again",
                       u->path);
    return rt_digest_finish(&u->md5, hex, err);
}

void rt_unzip_close(struct rt_unzip **held)
{
    struct rt_unzip *u = *held;

    if (!u)
        return;
    archive_read_free(u->archive);
    rt_digest_free(&u->md5);
    rt_file_close_read(&u->fd);
    rt_free(held);
}
