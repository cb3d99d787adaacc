/* The files of a checkpoint's folder and their digests: what checkpoint.c's writing and reading share. */
#ifndef RT_RUN_CHECKPOINT_FILES_H
#define RT_RUN_CHECKPOINT_FILES_H

#include <stddef.h>

#include "base/error.h"

/* X(symbol, name, bytes at most) */
#define RT_CHECKPOINT_FILES(X)                                                                                 \
    X(MODEL, "model.safetensors", 512 << 20)                                                                   \
    X(OPTIMIZER, "optimizer.safetensors", 512 << 20)                                                           \
    X(CONFIG, "config.yaml", 1 << 20)                                                                          \
    X(STATE, "state.json", 1 << 20)

enum rt_checkpoint_file {
#define RT_CHECKPOINT_FILE_ENUM(symbol, ...) RT_CHECKPOINT_##symbol,
    RT_CHECKPOINT_FILES(RT_CHECKPOINT_FILE_ENUM)
#undef RT_CHECKPOINT_FILE_ENUM
        RT_CHECKPOINT_FILE_COUNT
};
const char *rt_checkpoint_file_name(enum rt_checkpoint_file file);

/* The files' contents, owned. */
struct rt_checkpoint_files {
    struct {
        char *bytes; /* followed by a NUL where they were read */
        size_t size;
    } items[RT_CHECKPOINT_FILE_COUNT];
};
void rt_checkpoint_files_free(struct rt_checkpoint_files *files); /* accepts the zeroed state */

/* Writes all of them and SHA256SUMS into the folder, synced. */
int rt_checkpoint_files_write(const struct rt_checkpoint_files *files, const char *folder,
                              struct rt_error *err);

/* Reads all of them and holds them against SHA256SUMS. RT_EDATA names the one that is missing or damaged. */
int rt_checkpoint_files_read(struct rt_checkpoint_files *files, const char *folder, struct rt_error *err);

#endif
