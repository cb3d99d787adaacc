/* SHA-256 (and MD5, for files of which nothing else is published), in one piece or piece by piece. The only
 * file that knows OpenSSL is digest.c. */
#ifndef RT_BASE_DIGEST_H
#define RT_BASE_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum { RT_DIGEST_HEX = 65 }; /* 64 lower-case digits and the NUL */

/* Zeroed before rt_digest_start. An internal failure is remembered and reported by rt_digest_finish. */
struct rt_digest {
    void *context;
    bool failed;
};

int rt_digest_start(struct rt_digest *digest, struct rt_error *err);
int rt_digest_start_md5(struct rt_digest *digest, struct rt_error *err); /* 32 digits */
void rt_digest_update(struct rt_digest *digest, const void *bytes, size_t size);
/* Writes the digest and frees the state, also on error. */
int rt_digest_finish(struct rt_digest *digest, char hex[RT_DIGEST_HEX], struct rt_error *err);
void rt_digest_free(struct rt_digest *digest); /* to give up early; accepts the zeroed state */

int rt_digest_bytes(const void *bytes, size_t size, char hex[RT_DIGEST_HEX], struct rt_error *err);
/* Of a whole file, read in pieces. RT_EIO names it. */
int rt_digest_file(const char *path, char hex[RT_DIGEST_HEX], struct rt_error *err);
int rt_digest_file_md5(const char *path, char hex[RT_DIGEST_HEX], struct rt_error *err);
/* Of the next bytes of an open file, at most `size` of them; *got says how many there were. */
int rt_digest_open_file(int fd, const char *path, uint64_t size, char hex[RT_DIGEST_HEX], uint64_t *got,
                        struct rt_error *err);

#endif
