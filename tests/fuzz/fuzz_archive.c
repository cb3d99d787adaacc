/* data/archive: any bytes as a tar.gz; only the wanted members
 * may come of it, as regular files of the sizes asked for, in the folder asked for. */
#include <string.h>
#include <sys/stat.h>

#include "base/path.h"
#include "data/archive.h"
#include "fuzz.h"

static const struct rt_archive_member members[] = {
    {"folder/a", "a", 4, 4, 0},
    {"folder/b", "b", 1, 100, 0},
    {"other/c", "c", 1, 100, 1},
};

void rt_fuzz_one(const uint8_t *bytes, size_t size)
{
    const char *const folder = rt_fuzz_folder(), *const archive = rt_fuzz_file(bytes, size);
    struct rt_error err;
    struct rt_names names;
    int version = -1;
    const int rc = rt_archive_unpack(archive, folder, members, 3, NULL, &version, &err);

    if (rc)
        rt_fuzz_check_error(rc, &err);
    RT_FUZZ_CHECK(!rt_folder_list(&names, folder, &err));
    RT_FUZZ_CHECK(rc ? names.count <= 2 : names.count == (version ? 1 : 2));
    for (int i = 0; i < names.count; i++) {
        char path[RT_PATH_MAX];
        struct stat status;

        RT_FUZZ_CHECK(version ? !strcmp(names.items[i], "c")
                              : !strcmp(names.items[i], "a") || !strcmp(names.items[i], "b"));
        RT_FUZZ_CHECK(!rt_path_join(path, folder, names.items[i], &err));
        RT_FUZZ_CHECK(!lstat(path, &status) && S_ISREG(status.st_mode));
        RT_FUZZ_CHECK(status.st_size <= 100);
    }
    rt_names_free(&names);
}
