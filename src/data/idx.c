#include "data/idx.h"

#include "base/file.h"
#include "base/memory.h"
#include "config/limits.h"
#include "data/archive.h"

enum {
    BYTES = 8,
    IMAGE = RT_IDX_SIDE * RT_IDX_SIDE,
    DIMENSIONS_MAX = 3,
    DEFLATE_MOST = 1032 /* bytes of one */
};

static uint32_t big_endian(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static int cut_short(const char *path, size_t got, size_t wanted, struct rt_error *err)
{
    return rt_fail(err, RT_EDATA, "%s: ends after %zu bytes, expected %zu: cut short; get it again", path, got,
                   wanted);
}

/* The header, and that the file can be as long as it says. */
static int read_header(struct rt_idx *idx, struct rt_unzip *unzip, const char *path, int rank,
                       struct rt_error *err)
{
    uint8_t header[4 + 4 * DIMENSIONS_MAX];
    const size_t wanted = 4 + 4 * (size_t)rank;
    size_t got;
    uint64_t size;

    RT_TRY(rt_unzip_read(unzip, header, wanted, &got, err));
    if (got >= 4 && (header[0] || header[1] || header[2] != BYTES || header[3] != rank))
        return rt_fail(
            err, RT_EDATA, "%s: begins with %02x %02x %02x %02x, expected 00 00 08 %02x: not an IDX file of %s",
            path, header[0], header[1], header[2], header[3], (unsigned)rank, rank == 1 ? "labels" : "images");
    if (got < wanted)
        return cut_short(path, got, wanted, err);
    idx->count = big_endian(header + 4);
    if (idx->count < 1 || idx->count > RT_IDX_IMAGES_MAX)
        return rt_fail(err, RT_EDATA, "%s: says it has %zu %s, expected 1 to %d", path, idx->count,
                       rank == 1 ? "labels" : "images", RT_IDX_IMAGES_MAX);
    if (rank == 3 && (big_endian(header + 8) != RT_IDX_SIDE || big_endian(header + 12) != RT_IDX_SIDE))
        return rt_fail(err, RT_EDATA, "%s: images of %u x %u, expected 28 x 28", path, big_endian(header + 8),
                       big_endian(header + 12));
    RT_TRY(rt_file_size(path, &size, err));
    if (idx->count * (rank == 3 ? IMAGE : 1) / DEFLATE_MOST > size)
        return cut_short(path, (size_t)size, wanted + idx->count * (rank == 3 ? IMAGE : 1), err);
    return RT_OK;
}

static int read_content(struct rt_idx *idx, struct rt_unzip *unzip, const char *path, int rank,
                        struct rt_error *err)
{
    const size_t header = 4 + 4 * (size_t)rank, size = idx->count * (rank == 3 ? IMAGE : 1);
    uint8_t more;
    size_t got;

    RT_TRY(rt_alloc(&idx->bytes, size, 1, "an IDX file", err));
    RT_TRY(rt_unzip_read(unzip, idx->bytes, size, &got, err));
    if (got < size)
        return cut_short(path, header + got, header + size, err);
    RT_TRY(rt_unzip_read(unzip, &more, 1, &got, err));
    if (got)
        return rt_fail(err, RT_EDATA, "%s: longer than the %zu bytes that its header announces; get it again",
                       path, header + size);
    return rt_unzip_finish(unzip, idx->md5, err);
}

static int read_file(struct rt_idx *out, const char *path, int rank, struct rt_error *err)
{
    struct rt_unzip *unzip = NULL;
    struct rt_idx idx = {0};
    int rc;

    if (!(rc = rt_unzip_open(&unzip, path, err)) && !(rc = read_header(&idx, unzip, path, rank, err)))
        rc = read_content(&idx, unzip, path, rank, err);
    rt_unzip_close(&unzip);
    if (rc)
        rt_idx_free(&idx);
    *out = idx;
    return rc;
}

int rt_idx_read_images(struct rt_idx *idx, const char *path, struct rt_error *err)
{
    return read_file(idx, path, 3, err);
}

int rt_idx_read_labels(struct rt_idx *idx, const char *path, struct rt_error *err)
{
    RT_TRY(read_file(idx, path, 1, err));
    for (size_t i = 0; i < idx->count; i++) {
        const int label = idx->bytes[i];

        if (label >= RT_CLASSES) {
            rt_idx_free(idx);
            return rt_fail(err, RT_EDATA, "%s: label %zu is %d, expected 0..%d", path, i, label,
                           RT_CLASSES - 1);
        }
    }
    return RT_OK;
}

void rt_idx_free(struct rt_idx *idx)
{
    rt_free(&idx->bytes);
    *idx = (struct rt_idx){0};
}
