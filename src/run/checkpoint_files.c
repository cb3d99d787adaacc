#include "run/checkpoint_files.h"

#include <string.h>

#include "base/digest.h"
#include "base/entry.h"
#include "base/memory.h"
#include "base/text.h"

static const char sums_name[] = "SHA256SUMS";

static const char *const file_names[] = {
#define FILE_NAME(symbol, name, limit) name,
    RT_CHECKPOINT_FILES(FILE_NAME)
#undef FILE_NAME
};

static const size_t file_limits[] = {
#define FILE_LIMIT(symbol, name, limit) limit,
    RT_CHECKPOINT_FILES(FILE_LIMIT)
#undef FILE_LIMIT
};

const char *rt_checkpoint_file_name(enum rt_checkpoint_file file)
{
    return file_names[file];
}

void rt_checkpoint_files_free(struct rt_checkpoint_files *files)
{
    for (int i = 0; i < RT_CHECKPOINT_FILE_COUNT; i++)
        rt_free(&files->items[i].bytes);
    *files = (struct rt_checkpoint_files){0};
}

/* A new file, synced. Plain, not aside: the whole folder is renamed later. */
static int put_file(const char *folder, const char *name, const void *bytes, size_t size, struct rt_error *err)
{
    char path[RT_PATH_MAX];
    int fd, rc;

    RT_TRY(rt_path_join(path, folder, name, err));
    RT_TRY(rt_entry_open(&fd, folder, name, RT_OPEN_NEW, err));
    if (!(rc = rt_file_write(fd, path, bytes, size, err)) && !(rc = rt_file_sync(fd, path, err)))
        rc = rt_file_close(&fd, path, err);
    rt_file_close_read(&fd);
    return rc;
}

int rt_checkpoint_files_write(const struct rt_checkpoint_files *files, const char *folder, struct rt_error *err)
{
    struct rt_text sums = {0};
    char hex[RT_DIGEST_HEX];
    int rc = RT_OK;

    for (int i = 0; i < RT_CHECKPOINT_FILE_COUNT && !rc; i++) {
        const void *bytes = files->items[i].bytes;
        const size_t size = files->items[i].size;

        if (!(rc = rt_digest_bytes(bytes, size, hex, err)))
            rc = put_file(folder, file_names[i], bytes, size, err);
        rt_text_printf(&sums, "%s  %s\n", hex, file_names[i]);
    }
    if (!rc && !(rc = rt_text_check(&sums, err)))
        rc = put_file(folder, sums_name, sums.bytes, sums.length, err);
    rt_text_free(&sums);
    return rc;
}

/* Reads one file and compares it with its line "DIGEST  NAME" in `sums`. */
static int read_file(struct rt_checkpoint_files *files, int i, const char *folder, const char *sums,
                     struct rt_error *err)
{
    char path[RT_PATH_MAX], hex[RT_DIGEST_HEX];
    struct rt_text line = {0};
    bool listed;
    int rc;

    RT_TRY(rt_path_join(path, folder, file_names[i], err));
    if (rt_entry_look(folder, file_names[i]) == RT_ENTRY_NONE)
        return rt_fail(err, RT_EDATA, "%s: missing from the checkpoint", path);
    RT_TRY(rt_entry_read(folder, file_names[i], file_limits[i], &files->items[i].bytes, &files->items[i].size,
                         err));
    RT_TRY(rt_digest_bytes(files->items[i].bytes, files->items[i].size, hex, err));
    rt_text_printf(&line, "%s  %s\n", hex, file_names[i]);
    rc = rt_text_check(&line, err);
    listed = !rc && strstr(sums, rt_text_string(&line));
    rt_text_free(&line);
    if (!rc && !listed)
        return rt_fail(err, RT_EDATA, "%s: damaged or cut short: its SHA-256 %.12s... is not in %s", path, hex,
                       sums_name);
    return rc;
}

int rt_checkpoint_files_read(struct rt_checkpoint_files *files, const char *folder, struct rt_error *err)
{
    char path[RT_PATH_MAX], *sums = NULL;
    size_t size;
    int rc;

    RT_TRY(rt_path_join(path, folder, sums_name, err));
    if (rt_entry_look(folder, sums_name) == RT_ENTRY_NONE)
        return rt_fail(err, RT_EDATA, "%s: missing; is %s a checkpoint?", path, folder);
    rc = rt_entry_read(folder, sums_name, 4096, &sums, &size, err);
    for (int i = 0; i < RT_CHECKPOINT_FILE_COUNT && !rc; i++)
        rc = read_file(files, i, folder, sums, err);
    rt_free(&sums);
    if (rc)
        rt_checkpoint_files_free(files);
    return rc;
}
