#include "engine/cuda/cache.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/path.h"
#include "engine/cuda/sources.h"

enum { CODE_MAX = 64 << 20, HEADER = 21 + 64 + 1 };
static const char magic[] = "rethink kernel 1 cuda"; /* 21 bytes, then the code's digest and a newline */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void warn_once(bool *warned, const struct rt_error *err)
{
    pthread_mutex_lock(&lock);
    if (!*warned)
        rt_log_warn("%s", err->message);
    *warned = true;
    pthread_mutex_unlock(&lock);
}

int rt_cuda_cache_key(char key[RT_DIGEST_HEX], const char *source, const char *options, int arch,
                      struct rt_error *err)
{
    struct rt_digest digest = {0};
    char first[64];

    RT_TRY(rt_digest_start(&digest, err));
    snprintf(first, sizeof first, "%s sm_%d ", magic, arch);
    rt_digest_update(&digest, first, strlen(first));
    rt_digest_update(&digest, options, strlen(options) + 1);
    for (int i = 0; rt_cuda_sources[i][0]; i++)
        if (rt_path_has_suffix(rt_cuda_sources[i][0], ".h") || !strcmp(rt_cuda_sources[i][0], source)) {
            rt_digest_update(&digest, rt_cuda_sources[i][0], strlen(rt_cuda_sources[i][0]) + 1);
            rt_digest_update(&digest, rt_cuda_sources[i][1], strlen(rt_cuda_sources[i][1]) + 1);
        }
    return rt_digest_finish(&digest, key, err);
}

/* $XDG_CACHE_HOME/rethink/kernels, or below ~/.cache */
static int cache_folder(char folder[RT_PATH_MAX], struct rt_error *err)
{
    const char *cache = getenv("XDG_CACHE_HOME"), *const home = getenv("HOME");

    if (cache && *cache == '/')
        return rt_path_join(folder, cache, "rethink/kernels", err);
    if (home && *home == '/')
        return rt_path_join(folder, home, ".cache/rethink/kernels", err);
    return rt_fail(err, RT_EIO,
                   "compiled kernels are not kept: neither XDG_CACHE_HOME nor HOME names a folder");
}

static int file_in(char path[RT_PATH_MAX], const char *folder, const char *key, struct rt_error *err)
{
    char name[RT_DIGEST_HEX + 8];

    snprintf(name, sizeof name, "%s.cubin", key);
    return rt_path_join(path, folder, name, err);
}

/* Reads a file and verifies its header and digest. */
static int read_checked(const char *path, char **code, size_t *size, struct rt_error *err)
{
    char *bytes = NULL, digest[RT_DIGEST_HEX] = "";
    size_t length = 0;

    RT_TRY(rt_file_read_all(path, CODE_MAX, &bytes, &length, err));
    if (length <= HEADER || memcmp(bytes, magic, 21) != 0 ||
        rt_digest_bytes(bytes + HEADER, length - HEADER, digest, err) || memcmp(bytes + 21, digest, 64) != 0) {
        rt_free(&bytes);
        return rt_fail(err, RT_EDATA, "%s: not a whole compiled kernel; it is compiled anew", path);
    }
    memmove(bytes, bytes + HEADER, length - HEADER);
    *code = bytes;
    *size = length - HEADER;
    return RT_OK;
}

static bool read_from(const char *folder, const char *key, char **code, size_t *size)
{
    static bool warned;
    char path[RT_PATH_MAX];
    struct rt_error err = {0};

    if (file_in(path, folder, key, NULL) || !rt_path_exists(path))
        return false;
    if (!read_checked(path, code, size, &err))
        return true;
    warn_once(&warned, &err);
    return false;
}

/* The read-only folders of a bundle or an installation. */
static const char *const ready[] = {"kernels", "../lib/rethink/kernels"};

static bool ready_folder(char path[RT_PATH_MAX], int i)
{
    char program[RT_PATH_MAX] = "", folder[RT_PATH_MAX];
    const ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);

    return length > 0 && !rt_path_folder(folder, program, NULL) && !rt_path_join(path, folder, ready[i], NULL);
}

static bool read_ready(const char *key, char **code, size_t *size)
{
    char folder[RT_PATH_MAX];

    for (int i = 0; i < 2; i++)
        if (ready_folder(folder, i) && read_from(folder, key, code, size))
            return true;
    return false;
}

bool rt_cuda_cache_has_ready(void)
{
    char folder[RT_PATH_MAX];

    for (int i = 0; i < 2; i++)
        if (ready_folder(folder, i) && rt_path_is_folder(folder))
            return true;
    return false;
}

bool rt_cuda_cache_read(const char *key, char **code, size_t *size)
{
    char folder[RT_PATH_MAX];

    return read_ready(key, code, size) || (!cache_folder(folder, NULL) && read_from(folder, key, code, size));
}

static int write_checked(const char *key, const void *code, size_t size, struct rt_error *err)
{
    char folder[RT_PATH_MAX], path[RT_PATH_MAX], header[HEADER + 1], digest[RT_DIGEST_HEX];
    struct rt_writer writer = {0};
    int rc;

    RT_TRY(cache_folder(folder, err));
    RT_TRY(rt_folder_make(folder, err));
    RT_TRY(file_in(path, folder, key, err));
    RT_TRY(rt_digest_bytes(code, size, digest, err));
    snprintf(header, sizeof header, "%s%s\n", magic, digest);
    if ((rc = rt_writer_open(&writer, path, err)) || (rc = rt_writer_write(&writer, header, HEADER, err)) ||
        (rc = rt_writer_write(&writer, code, size, err)) || (rc = rt_writer_commit(&writer, err)))
        goto done;
done:
    rt_writer_free(&writer);
    return rc;
}

void rt_cuda_cache_write(const char *key, const void *code, size_t size)
{
    static bool warned;
    struct rt_error err = {0};

    if (write_checked(key, code, size, &err))
        warn_once(&warned, &err);
}
