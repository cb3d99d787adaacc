#include "data/source.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/memory.h"
#include "base/text.h"
#include "data/places.h"

static const struct rt_source_kind *const kinds[] = {
#define SOURCE_ADDRESS(id, name, help) &rt_source_##id,
    RT_SOURCES(SOURCE_ADDRESS)
#undef SOURCE_ADDRESS
};
enum { KINDS = sizeof kinds / sizeof *kinds };

/* What data are where nothing says otherwise. */
static const struct rt_source_kind *const usual = &rt_source_cifar10;

static const struct rt_source_kind *find_kind(const char *name)
{
    for (int i = 0; i < KINDS; i++)
        if (!strcmp(kinds[i]->name, name))
            return kinds[i];
    return NULL;
}

/* *kind: the one whose files are in the directory, or null. RT_EUSAGE: those of several are. */
static int find_in(const struct rt_source_kind **kind, const char *directory, struct rt_error *err)
{
    *kind = NULL;
    for (int i = 0; i < KINDS; i++) {
        const struct rt_source_kind *found = NULL;
        const int rc = kinds[i]->find ? kinds[i]->find(&found, directory, err) : RT_EDATA;

        *kind = rc ? NULL : found;
        if (!rc || rc == RT_EUSAGE)
            return rc;
    }
    return RT_OK;
}

const struct rt_source_kind *rt_source_kind_of(const char *data)
{
    const struct rt_source_kind *kind;

    if (!data)
        data = getenv("RETHINK_DATA");
    if (!data || !*data)
        return usual;
    if (!(kind = find_kind(data)))
        find_in(&kind, data, NULL);
    return kind ? kind : usual;
}

/* Files by their data set's name alone: from $RETHINK_DATA when it is set and has them, else from where `data
 * fetch` puts them. */
static int open_installed(struct rt_source *source, struct rt_error *err)
{
    const struct rt_source_kind *kind = source->kind;
    const char *given = getenv("RETHINK_DATA");
    char directory[RT_PATH_MAX];

    if (given && *given && !find_kind(given) && (kind == usual || !kind->find(&kind, given, NULL)))
        return source->kind->open(source, given, err);
    RT_TRY(rt_data_home(directory, "give --data DIR", err));
    return source->kind->open(source, directory, err);
}

/* "data_batch_1.bin, data_batch_1 or train-images-idx3-ubyte" */
static int refuse_file(const char *path, struct rt_error *err)
{
    struct rt_text signs = {0};

    for (int i = 0; i < KINDS; i++)
        if (kinds[i]->sign)
            rt_text_printf(&signs, "%s%s", signs.length ? " or " : "", kinds[i]->sign);
    rt_fail(err, RT_EDATA, "%s: not a directory; give the one that holds %s", path, rt_text_string(&signs));
    rt_text_free(&signs);
    return RT_EDATA;
}

/* The usual kind's reason, which is in err, and what else was looked for. */
static int refuse_directory(struct rt_error *err)
{
    const struct rt_error cause = *err;
    struct rt_text others = {0};

    for (int i = 0; i < KINDS; i++)
        if (kinds[i]->sign && kinds[i] != usual)
            rt_text_printf(&others, "; %s of %s is not there either", kinds[i]->sign, kinds[i]->name);
    rt_fail(err, RT_EDATA, "%.800s%s", cause.message, rt_text_string(&others));
    rt_text_free(&others);
    return RT_EDATA;
}

static int open_directory(struct rt_source *source, const char *directory, struct rt_error *err)
{
    const struct rt_source_kind *kind;
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
        return refuse_file(directory, err);
    RT_TRY(find_in(&kind, directory, err));
    source->kind = kind ? kind : usual;
    rc = source->kind->open(source, directory, err);
    return rc == RT_EDATA && !kind ? refuse_directory(err) : rc;
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
        data = !find_in(&kind, environment, NULL) && kind ? environment : NULL; /* a directory of any kind */
    kind = data ? find_kind(data) : usual;
    source.kind = kind ? kind : usual;
    source.named = kind != NULL;
    if (!kind)
        RT_TRY(open_directory(&source, data, err));
    else if (kind->find)
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
