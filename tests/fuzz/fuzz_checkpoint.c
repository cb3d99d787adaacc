/* run/checkpoint: a folder whose files are cut from the input (those of checkpoint_files.h, separated by lines
 * of
 * "==="), with a SHA256SUMS that agrees with them: a stranger's checkpoint can be consistent and still hostile.
 */
#include <string.h>

#include "base/file.h"
#include "fuzz.h"
#include "run/checkpoint.h"
#include "run/checkpoint_files.h"

static const char separator[] = "\n===\n";

void rt_fuzz_one(const uint8_t *bytes, size_t size)
{
    struct rt_checkpoint_files files = {0};
    struct rt_checkpoint checkpoint = {0};
    const char *folder = rt_fuzz_folder();
    struct rt_error err;
    int rc;

    for (int i = 0; i < RT_CHECKPOINT_FILE_COUNT; i++) {
        const uint8_t *end = i + 1 < RT_CHECKPOINT_FILE_COUNT && size
                                 ? memmem(bytes, size, separator, sizeof separator - 1)
                                 : NULL;

        files.items[i].bytes = (char *)(uintptr_t)bytes; /* only read */
        files.items[i].size = end ? (size_t)(end - bytes) : size;
        bytes += end ? files.items[i].size + sizeof separator - 1 : size;
        size -= end ? files.items[i].size + sizeof separator - 1 : size;
    }
    RT_FUZZ_CHECK(!rt_checkpoint_files_write(&files, folder, &err));
    if ((rc = rt_checkpoint_read(&checkpoint, folder, &err)))
        rt_fuzz_check_error(rc, &err);
    rt_checkpoint_free(&checkpoint);
}
