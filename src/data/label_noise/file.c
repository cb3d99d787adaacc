#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/file.h"
#include "base/memory.h"
#include "data/label_file.h"
#include "data/label_noise/label_noise.h"
#include "data/places.h"

enum { FILE_MAX = 64 << 20 };

/* CIFAR-10N's sets (Wei et al. 2022): rows of cifar10n.npy, behind that of its clean labels (docs/labels.md).
 */
static const char *const human_sets[] = {"aggre", "random1", "random2", "random3", "worse"};
enum { HUMAN_SETS = sizeof human_sets / sizeof *human_sets };
#define HUMAN_PREFIX "cifar10n-"

/* The number of the set of that name, or -1. */
static int find_human(const char *name)
{
    for (int i = 0; i < HUMAN_SETS; i++)
        if (!strncmp(name, HUMAN_PREFIX, strlen(HUMAN_PREFIX)) &&
            !strcmp(name + strlen(HUMAN_PREFIX), human_sets[i]))
            return i;
    return -1;
}

/* $RETHINK_CIFAR10N, or cifar10n.npy where data sets are installed. */
static int find_human_file(char path[RT_PATH_MAX], struct rt_error *err)
{
    const char *given = getenv("RETHINK_CIFAR10N");
    char home[RT_PATH_MAX];

    if (given && *given)
        return rt_path_join(path, "", given, err);
    RT_TRY(rt_data_home(home, "set RETHINK_CIFAR10N", err));
    return rt_path_join(path, home, "cifar10n.npy", err);
}

/* What is said of a file that cannot be read. */
static int complain(int set, const char *name, const char *path, int rc, struct rt_error *err)
{
    if (set >= 0)
        return rt_fail(err, RT_EDATA,
                       "%s: CIFAR-10N's labels are not there; docs/labels.md says how to make the file", path);
    if (!strncmp(name, HUMAN_PREFIX, strlen(HUMAN_PREFIX)) && !rt_path_exists(path))
        return rt_fail(
            err, RT_EDATA,
            "%s: no file, and none of CIFAR-10N's sets: cifar10n-aggre, -random1, -random2, -random3, "
            "-worse",
            name);
    return rc;
}

static int read_humans(const struct rt_label_job *job, int set, const char *path, const char *bytes,
                       size_t size, struct rt_error *err)
{
    const size_t count = job->train_total;
    uint8_t *clean = NULL;
    int rc;

    RT_TRY(rt_alloc(&clean, count, 1, "CIFAR-10N's clean labels", err));
    if (!(rc = rt_label_file_row(clean, count, 0, HUMAN_SETS + 1, path, bytes, size, err)) &&
        memcmp(clean, job->truth, count) != 0)
        rc = rt_fail(err, RT_EDATA,
                     "%s: its clean labels are not those of %s: its images are in another order, or others",
                     path, job->dataset->name);
    if (!rc)
        rc = rt_label_file_row(job->labels, count, (size_t)set + 1, HUMAN_SETS + 1, path, bytes, size, err);
    rt_free(&clean);
    return rc;
}

static int parse(const struct rt_label_job *job, int set, const char *path, const char *bytes, size_t size,
                 struct rt_error *err)
{
    const struct rt_label_places places = {job->train_total, job->test_total, job->dataset->train_count,
                                           job->dataset->test_count, job->truth};

    if (set >= 0)
        return read_humans(job, set, path, bytes, size, err);
    return rt_label_file_parse(job->labels, &places, path, bytes, size, err);
}

/* The labels of label_file; those of images of which it says nothing stay true. */
static int file_apply(const struct rt_label_job *job, struct rt_error *err)
{
    const char *name = job->experiment->label_file;
    const int set = find_human(name);
    char path[RT_PATH_MAX], *bytes = NULL;
    size_t size;
    int rc;

    RT_TRY(set >= 0 ? find_human_file(path, err) : rt_path_join(path, "", name, err));
    if ((rc = rt_file_read_all(path, FILE_MAX, &bytes, &size, err)))
        return complain(set, name, path, rc, err);
    if (!(rc = parse(job, set, path, bytes, size, err)))
        rc = rt_digest_bytes(bytes, size, job->digest, err);
    rt_free(&bytes);
    return rc;
}

const struct rt_label_noise rt_label_noise_file = {.name = "file", .apply = file_apply, .whole = true};
