#include "base/digest.h"

#include <openssl/evp.h>
#include <stdio.h>

#include "base/file.h"
#include "base/memory.h"

enum { PIECE = 1 << 16 };

static int start(struct rt_digest *digest, const EVP_MD *kind, const char *name, struct rt_error *err)
{
    *digest = (struct rt_digest){.context = EVP_MD_CTX_new()};
    if (!digest->context)
        return rt_fail(err, RT_EMEMORY, "cannot allocate a state of %s", name);
    if (EVP_DigestInit_ex(digest->context, kind, NULL) != 1) {
        rt_digest_free(digest);
        return rt_fail(err, RT_EMEMORY, "the OpenSSL library refuses to compute %s", name);
    }
    return RT_OK;
}

int rt_digest_start(struct rt_digest *digest, struct rt_error *err)
{
    return start(digest, EVP_sha256(), "SHA-256", err);
}

int rt_digest_start_md5(struct rt_digest *digest, struct rt_error *err)
{
    return start(digest, EVP_md5(), "MD5", err);
}

void rt_digest_update(struct rt_digest *digest, const void *bytes, size_t size)
{
    if (size && EVP_DigestUpdate(digest->context, bytes, size) != 1)
        digest->failed = true;
}

int rt_digest_finish(struct rt_digest *digest, char hex[RT_DIGEST_HEX], struct rt_error *err)
{
    unsigned char raw[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    const bool done = !digest->failed && EVP_DigestFinal_ex(digest->context, raw, &size) == 1;

    rt_digest_free(digest);
    if (!done)
        return rt_fail(err, RT_EMEMORY, "the OpenSSL library failed to compute a digest");
    for (unsigned i = 0; i < size; i++)
        snprintf(hex + 2 * i, 3, "%02x", raw[i]);
    return RT_OK;
}

void rt_digest_free(struct rt_digest *digest)
{
    EVP_MD_CTX_free(digest->context);
    *digest = (struct rt_digest){0};
}

int rt_digest_bytes(const void *bytes, size_t size, char hex[RT_DIGEST_HEX], struct rt_error *err)
{
    struct rt_digest digest;

    RT_TRY(rt_digest_start(&digest, err));
    rt_digest_update(&digest, bytes, size);
    return rt_digest_finish(&digest, hex, err);
}

static int digest_open_file(int fd, const char *path, uint64_t size, bool md5, char hex[RT_DIGEST_HEX],
                            uint64_t *got, struct rt_error *err)
{
    struct rt_digest digest = {0};
    char *piece = NULL;
    int rc;

    *got = 0;
    if ((rc = rt_alloc(&piece, PIECE, 1, "a piece of a file", err)) ||
        (rc = md5 ? rt_digest_start_md5(&digest, err) : rt_digest_start(&digest, err)))
        goto done;
    while (*got < size) {
        const size_t wanted = size - *got < PIECE ? (size_t)(size - *got) : PIECE;
        size_t part;

        if ((rc = rt_file_read(fd, path, piece, wanted, &part, err)))
            goto done;
        rt_digest_update(&digest, piece, part);
        *got += part;
        if (part < wanted)
            break;
    }
    rc = rt_digest_finish(&digest, hex, err);
done:
    rt_digest_free(&digest);
    rt_free(&piece);
    return rc;
}

int rt_digest_open_file(int fd, const char *path, uint64_t size, char hex[RT_DIGEST_HEX], uint64_t *got,
                        struct rt_error *err)
{
    return digest_open_file(fd, path, size, false, hex, got, err);
}

static int digest_file(const char *path, bool md5, char hex[RT_DIGEST_HEX], struct rt_error *err)
{
    uint64_t size;
    int fd, rc;

    RT_TRY(rt_file_open(&fd, path, RT_OPEN_READ, err));
    rc = digest_open_file(fd, path, UINT64_MAX, md5, hex, &size, err);
    rt_file_close_read(&fd);
    return rc;
}

int rt_digest_file(const char *path, char hex[RT_DIGEST_HEX], struct rt_error *err)
{
    return digest_file(path, false, hex, err);
}

int rt_digest_file_md5(const char *path, char hex[RT_DIGEST_HEX], struct rt_error *err)
{
    return digest_file(path, true, hex, err);
}
