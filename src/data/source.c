#include "data/source.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/memory.h"
#include "data/cifar10.h"
#include "data/mnist.h"
#include "data/places.h"

static const struct rt_source_kind *find_kind(const char *name)
{
#define RT_SOURCE_MATCH(id, spelled, help)                                                                     \
    if (!strcmp(name, spelled))                                                                                \
        return &rt_source_##id;
    RT_SOURCES(RT_SOURCE_MATCH)
#undef RT_SOURCE_MATCH
    return NULL;
}

/* The kind whose files are in the directory, or null. */
static const struct rt_source_kind *kind_in(const char *directory)
{
    char path[RT_PATH_MAX];
    bool python;

    if (!rt_cifar10_find(directory, path, &python, NULL))
        return &rt_source_cifar10;
    return rt_mnist_find(NULL, directory, path, NULL) ? NULL : rt_mnist_kind_of(path);
}

const struct rt_source_kind *rt_source_kind_of(const char *data)
{
    const struct rt_source_kind *kind;

    if (!data)
        data = getenv("RETHINK_DATA");
    if (!data || !*data)
        return &rt_source_cifar10;
    kind = find_kind(data);
    kind = kind ? kind : kind_in(data);
    return kind ? kind : &rt_source_cifar10;
}

/* Files by their data set's name alone: from $RETHINK_DATA when it is set and has them, else from where `data
 * fetch` puts them. */
static int open_installed(struct rt_source *source, struct rt_error *err)
{
    const char *given = getenv("RETHINK_DATA");
    char directory[RT_PATH_MAX];
    const bool is_folder = given && *given && !find_kind(given);

    if (is_folder &&
        (source->kind == &rt_source_cifar10 || !rt_mnist_find(source->kind, given, directory, NULL)))
        return source->kind->open(source, given, err);
    RT_TRY(rt_data_home(directory, "give --data DIR", err));
    return source->kind->open(source, directory, err);
}

static int open_directory(struct rt_source *source, const char *directory, struct rt_error *err)
{
    const struct rt_source_kind *kind;
    char path[RT_PATH_MAX];
    struct rt_error cause;
    struct stat status;
    int rc;

    if (stat(directory, &status)) {
        if (errno == ENOENT)
            return rt_fail(err, RT_EDATA,
                           "--data %s: no data set or directory of that name; give " RT_SOURCE_ENUMERATION
                           "or a directory with the files of one of them",
                           directory);
        return rt_fail_errno(err, RT_EIO, errno, "%s", directory);
    }
    if (!S_ISDIR(status.st_mode))
        return rt_fail(err, RT_EDATA,
                       "%s: not a directory; give the one that holds data_batch_1.bin, data_batch_1 or %s",
                       directory, rt_mnist_files[0]);
    if ((kind = kind_in(directory)))
        source->kind = kind;
    else if (rt_mnist_find(NULL, directory, path, err) == RT_EUSAGE)
        return RT_EUSAGE; /* several */
    rc = source->kind->open(source, directory, err);
    if (rc != RT_EDATA || kind)
        return rc;
    cause = *err;
    return rt_fail(err, RT_EDATA, "%.800s; MNIST's %s is not there either", cause.message, rt_mnist_files[0]);
}

size_t rt_source_record_bytes(const struct rt_source_kind *kind)
{
    return 1 + (size_t)(kind->channels * kind->side * kind->side);
}

int rt_source_open(struct rt_source *out, const char *data, struct rt_error *err)
{
    const struct rt_source_kind *kind;
    const char *environment = getenv("RETHINK_DATA");
    struct rt_source source = {0};

    if (!data && environment && find_kind(environment))
        data = environment; /* RETHINK_DATA=shapes10 */
    if (!data && environment && *environment)
        data = kind_in(environment) ? environment : NULL; /* a directory of any kind */
    kind = find_kind(data ? data : "cifar10");
    source.kind = kind ? kind : &rt_source_cifar10;
    source.named = kind != NULL;
    if (!kind)
        RT_TRY(open_directory(&source, data, err));
    else if (kind != &rt_source_shapes10)
        RT_TRY(open_installed(&source, err));
    else
        RT_TRY(kind->open(&source, NULL, err));
    if (!source.train_count) {
        source.train_count = source.kind->train_count;
        source.test_count = source.kind->test_count;
    }
    *out = source;
    return RT_OK;
}

int rt_source_find_kind(const struct rt_source_kind **kind, const char *data, struct rt_error *err)
{
    struct rt_source source;

    *kind = rt_source_kind_of(data);
    if (!data || find_kind(data))
        return RT_OK;
    RT_TRY(rt_source_open(&source, data, err));
    *kind = source.kind;
    rt_source_close(&source);
    return RT_OK;
}

void rt_source_close(struct rt_source *source)
{
    if (source->kind && source->kind->close)
        source->kind->close(source);
    rt_free(&source->state);
}
