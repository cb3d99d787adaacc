/* data/cifar10: any bytes as the class names (first byte even) or as the head of a batch file (odd), of its
 * right size (second byte even) or of theirs. */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/path.h"
#include "data/cifar10.h"
#include "data/source.h"
#include "fuzz.h"

static void make_file(const char *folder, const char *name, const uint8_t *bytes, size_t size, off_t length)
{
    char path[RT_PATH_MAX];
    int fd;

    RT_FUZZ_CHECK(!rt_path_join(path, folder, name, NULL));
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    RT_FUZZ_CHECK(fd >= 0 && (!size || write(fd, bytes, size) == (ssize_t)size));
    RT_FUZZ_CHECK(length < 0 || !ftruncate(fd, length));
    close(fd);
}

static void remove_file(const char *folder, const char *name)
{
    char path[RT_PATH_MAX];

    RT_FUZZ_CHECK(!rt_path_join(path, folder, name, NULL));
    unlink(path);
}

static void check_names(const struct rt_source *source)
{
    for (int i = 0; i < RT_CLASSES; i++) {
        const char *name = source->classes[i];

        RT_FUZZ_CHECK(*name && memchr(name, 0, sizeof source->classes[i]));
        for (; *name; name++)
            RT_FUZZ_CHECK((unsigned char)*name >= 0x20 && *name != 0x7f);
    }
}

/* The six files, all zero: made once, since making them took most of an execution's time. */
static const char *make_folder(void)
{
    const char *const made = rt_fuzz_folder();

    for (int i = 0; i < RT_CIFAR10_FILES; i++)
        make_file(made, rt_cifar10_files[i].name, NULL, 0, RT_CIFAR10_FILE_BYTES);
    return made;
}

void rt_fuzz_one(const uint8_t *bytes, size_t size)
{
    static const char *folder;
    const int kind = size > 0 ? bytes[0] : 0, whole = size > 1 ? !(bytes[1] & 1) : 1;
    /* Those that hold the input, and one of zeros. */
    const size_t held = size / RT_RECORD_BYTES + 2, count = held < RT_READ_RECORDS ? held : RT_READ_RECORDS;
    struct rt_source source;
    struct rt_error err;
    uint8_t *records;
    int rc;

    if (!folder)
        folder = make_folder();
    if (kind & 1) {
        make_file(folder, rt_cifar10_files[0].name, bytes, size, whole ? RT_CIFAR10_FILE_BYTES : -1);
        remove_file(folder, RT_CIFAR10_NAMES);
    } else {
        make_file(folder, rt_cifar10_files[0].name, NULL, 0, RT_CIFAR10_FILE_BYTES);
        make_file(folder, RT_CIFAR10_NAMES, bytes + (size > 0), size - (size > 0), -1);
    }
    if ((rc = rt_source_open(&source, folder, &err))) {
        rt_fuzz_check_error(rc, &err);
        return;
    }
    check_names(&source);
    RT_FUZZ_CHECK(!rt_alloc(&records, count, RT_RECORD_BYTES, "the records", &err));
    rc = source.kind->read(&source, 0, count, records, &err);
    if (rc)
        rt_fuzz_check_error(rc, &err);
    for (size_t i = 0; !rc && i < count; i++)
        RT_FUZZ_CHECK(records[i * RT_RECORD_BYTES] < RT_CLASSES);
    rt_free(&records);
    rt_source_close(&source);
}
