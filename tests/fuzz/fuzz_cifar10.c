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
    RT_FUZZ_CHECK(fd >= 0 && write(fd, bytes, size) == (ssize_t)size);
    RT_FUZZ_CHECK(length < 0 || !ftruncate(fd, length));
    close(fd);
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

void rt_fuzz_one(const uint8_t *bytes, size_t size)
{
    const char *const folder = rt_fuzz_folder();
    const int kind = size > 0 ? bytes[0] : 0, whole = size > 1 ? !(bytes[1] & 1) : 1;
    struct rt_source source;
    struct rt_error err;
    uint8_t *records;
    int rc;

    for (int i = 0; i < RT_CIFAR10_FILES; i++)
        make_file(folder, rt_cifar10_files[i].name, bytes, 0, RT_CIFAR10_FILE_BYTES);
    if (kind & 1)
        make_file(folder, rt_cifar10_files[0].name, bytes, size, whole ? RT_CIFAR10_FILE_BYTES : -1);
    else
        make_file(folder, RT_CIFAR10_NAMES, bytes + (size > 0), size - (size > 0), -1);
    if ((rc = rt_source_open(&source, folder, &err))) {
        rt_fuzz_check_error(rc, &err);
        return;
    }
    check_names(&source);
    RT_FUZZ_CHECK(!rt_alloc(&records, RT_READ_RECORDS, RT_RECORD_BYTES, "the records", &err));
    rc = source.kind->read(&source, 0, RT_READ_RECORDS, records, &err);
    if (rc)
        rt_fuzz_check_error(rc, &err);
    for (size_t i = 0; !rc && i < RT_READ_RECORDS; i++)
        RT_FUZZ_CHECK(records[i * RT_RECORD_BYTES] < RT_CLASSES);
    rt_free(&records);
}
