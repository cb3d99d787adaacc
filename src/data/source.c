#include "data/source.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/memory.h"
#include "data/places.h"

static const struct rt_source_kind *find_kind(const char *name)
{
#define RT_SOURCE_MATCH(id, help)                                                                              \
    if (!strcmp(name, #id))                                                                                    \
        return &rt_source_##id;
    RT_SOURCES(RT_SOURCE_MATCH)
#undef RT_SOURCE_MATCH
    return NULL;
}

/* CIFAR-10 by its name alone: from $RETHINK_DATA when it is set, else from where `data fetch` puts it. */
static int open_installed(struct rt_source *source, struct rt_error *err)
{
    const char *given = getenv("RETHINK_DATA");
    char directory[RT_PATH_MAX];

    if (given && *given && !find_kind(given))
        return source->kind->open(source, given, err);
    RT_TRY(rt_data_home(directory, "give --data DIR", err));
    return source->kind->open(source, directory, err);
}

static int open_directory(struct rt_source *source, const char *directory, struct rt_error *err)
{
    struct stat status;

    if (stat(directory, &status)) {
        if (errno == ENOENT)
            return rt_fail(err, RT_EDATA,
                           "--data %s: no data set or directory of that name; give " RT_SOURCE_ENUMERATION
                           "or a directory with CIFAR-10's files",
                           directory);
        return rt_fail_errno(err, RT_EIO, errno, "%s", directory);
    }
    if (!S_ISDIR(status.st_mode))
        return rt_fail(err, RT_EDATA,
                       "%s: not a directory; give the one that holds data_batch_1.bin or data_batch_1",
                       directory);
    return source->kind->open(source, directory, err);
}

int rt_source_open(struct rt_source *out, const char *data, struct rt_error *err)
{
    const struct rt_source_kind *kind;
    const char *environment = getenv("RETHINK_DATA");
    struct rt_source source = {0};

    if (!data && environment && find_kind(environment))
        data = environment; /* RETHINK_DATA=shapes10 */
    kind = find_kind(data ? data : "cifar10");
    source.kind = kind ? kind : &rt_source_cifar10;
    if (!kind)
        RT_TRY(open_directory(&source, data, err));
    else if (kind == &rt_source_cifar10)
        RT_TRY(open_installed(&source, err));
    else
        RT_TRY(kind->open(&source, NULL, err));
    *out = source;
    return RT_OK;
}

void rt_source_close(struct rt_source *source)
{
    rt_free(&source->state);
}
