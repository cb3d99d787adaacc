#include "fuzz.h"

#include <fcntl.h>
#include <ftw.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static char folder[64];

void rt_fuzz_check_error(int status, const struct rt_error *err)
{
    RT_FUZZ_CHECK(status > RT_OK && status <= RT_EDIVERGED);
    RT_FUZZ_CHECK((int)err->status == status);
    RT_FUZZ_CHECK(err->message[0]);
    for (const char *c = err->message; *c; c++)
        RT_FUZZ_CHECK((unsigned char)*c >= 0x20 && *c != 0x7f);
}

const char *rt_fuzz_file(const uint8_t *bytes, size_t size)
{
    static char path[64];
    static int fd = -1;

    if (fd < 0) {
        fd = memfd_create("input", MFD_CLOEXEC);
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    }
    RT_FUZZ_CHECK(fd >= 0 && !ftruncate(fd, 0) && pwrite(fd, bytes, size, 0) == (ssize_t)size);
    return path;
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *where)
{
    (void)status;
    (void)type;
    return where->level ? remove(path) : 0;
}

static void empty_folder(void)
{
    nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static void remove_folder(void)
{
    empty_folder();
    rmdir(folder);
}

const char *rt_fuzz_folder(void)
{
    if (!folder[0]) {
        /* In memory where that can be: syncing to a disk took most of an execution's time. */
        snprintf(folder, sizeof folder, "%s/rethink-fuzz-XXXXXX",
                 access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm");
        RT_FUZZ_CHECK(mkdtemp(folder));
        atexit(remove_folder);
    }
    empty_folder();
    return folder;
}
