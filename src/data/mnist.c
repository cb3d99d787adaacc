/* MNIST and Fashion-MNIST: four IDX files each (docs/formats.md). */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "base/path.h"
#include "base/text.h"
#include "data/fetch.h"
#include "data/idx.h"
#include "data/source.h"

enum { FILES = 4 };
enum { IMAGE = RT_IDX_SIDE * RT_IDX_SIDE, FIRST_LABELS = 10 };

#define FIRST_FILE "train-images-idx3-ubyte"
static const char *const file_names[FILES] = {FIRST_FILE, "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte",
                                              "t10k-labels-idx1-ubyte"};

struct variant {
    const struct rt_source_kind *kind;
    const char *folders[3];      /* in which the files may lie; the last is null */
    uint8_t first[FIRST_LABELS]; /* of the test set */
    const char *classes[RT_CLASSES];
};

static const struct variant variants[] = {
    {.kind = &rt_source_mnist,
     .folders = {"mnist", "MNIST/raw"},
     .first = {7, 2, 1, 0, 4, 1, 4, 9, 5, 9},
     .classes = {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"}},
    {.kind = &rt_source_fashion_mnist,
     .folders = {"fashion-mnist", "FashionMNIST/raw"},
     .first = {9, 2, 1, 1, 6, 1, 4, 6, 5, 7},
     .classes = {"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag",
                 "Ankle boot"}},
};
enum { VARIANTS = sizeof variants / sizeof *variants };

static const struct variant *variant_of(const struct rt_source_kind *kind)
{
    for (int i = 0; i < VARIANTS; i++)
        if (variants[i].kind == kind)
            return &variants[i];
    return NULL;
}

/* ---- finding ---- */

/* The file as it may be called: with a dot for the last dash but one ("train-images.idx3-ubyte"), with ".gz".
 */
static int find_file(char path[RT_PATH_MAX], const char *folder, const char *name, bool *found,
                     struct rt_error *err)
{
    for (int form = 0; form < 4; form++) {
        char as[64];

        snprintf(as, sizeof as, "%s%s", name, form & 1 ? ".gz" : "");
        if (form & 2)
            *strstr(as, "-idx") = '.';
        RT_TRY(rt_path_join(path, folder, as, err));
        if ((*found = rt_path_exists(path)))
            return RT_OK;
    }
    return rt_path_join(path, folder, name, err);
}

static int is_here(const char *folder, bool *found, struct rt_error *err)
{
    char path[RT_PATH_MAX];

    *found = false;
    for (int i = 0; i < FILES && !*found; i++)
        RT_TRY(find_file(path, folder, file_names[i], found, err));
    return RT_OK;
}

/* The folder of the four files of that kind (null: of either): `given` or one that torchvision or `data fetch`
 * makes in it. RT_EDATA when there is none, RT_EUSAGE when there is one of each. */
static int look_for(const struct rt_source_kind *kind, const char *given, char folder[RT_PATH_MAX],
                    struct rt_error *err)
{
    static const char *const flat[] = {"", "raw"};
    char path[RT_PATH_MAX];
    bool found = false;
    int kinds = 0;

    for (size_t i = 0; i < sizeof flat / sizeof *flat; i++) {
        RT_TRY(rt_path_join(folder, given, flat[i], err));
        RT_TRY(is_here(folder, &found, err));
        if (found)
            return RT_OK;
    }
    for (int i = 0; i < VARIANTS; i++) {
        found = false;
        for (int j = 0; variants[i].folders[j] && !found && (!kind || kind == variants[i].kind); j++) {
            RT_TRY(rt_path_join(path, given, variants[i].folders[j], err));
            RT_TRY(is_here(path, &found, err));
        }
        if (found && ++kinds)
            rt_copy_text(folder, RT_PATH_MAX, path);
    }
    if (kinds > 1)
        return rt_fail(err, RT_EUSAGE, "%s: has MNIST and Fashion-MNIST; give the folder of one of them",
                       given);
    if (kinds)
        return RT_OK;
    return rt_fail(
        err, RT_EDATA,
        "%s: no %s here (neither %s nor raw/, %s/ or %s/ with it): get it with 'rethink data fetch %s', "
        "or give --data DIR",
        given, kind ? kind->name : "MNIST", file_names[0],
        variant_of(kind ? kind : &rt_source_mnist)->folders[0],
        variant_of(kind ? kind : &rt_source_mnist)->folders[1], kind ? kind->name : "mnist");
}

/* Of a folder with such files, by its path. */
static const struct rt_source_kind *kind_of(const char *folder)
{
    for (; *folder; folder++)
        if (!strncasecmp(folder, "fashion", 7))
            return &rt_source_fashion_mnist;
    return &rt_source_mnist;
}

static int mnist_find(const struct rt_source_kind **kind, const char *directory, struct rt_error *err)
{
    char folder[RT_PATH_MAX];

    RT_TRY(look_for(*kind, directory, folder, err));
    if (!*kind)
        *kind = kind_of(folder);
    return RT_OK;
}

/* ---- opening ---- */

struct held {
    struct rt_idx files[FILES];
};

static void mnist_close(struct rt_source *source)
{
    struct held *held = source->state;

    for (int i = 0; held && i < FILES; i++)
        rt_idx_free(&held->files[i]);
    rt_free(&held);
    source->state = NULL;
}

static int read_files(struct rt_source *source, struct held *held, struct rt_error *err)
{
    char path[RT_PATH_MAX];
    bool found;

    for (int i = 0; i < FILES; i++) {
        RT_TRY(find_file(path, source->where, file_names[i], &found, err));
        if (!found)
            return rt_fail(err, RT_EDATA, "%s: no such file, plain or .gz, beside the others", path);
        RT_TRY(i % 2 ? rt_idx_read_labels(&held->files[i], path, err)
                     : rt_idx_read_images(&held->files[i], path, err));
        snprintf(source->files[i].name, sizeof source->files[i].name, "%.60s", rt_path_name(path));
        rt_copy_text(source->files[i].md5, sizeof source->files[i].md5, held->files[i].md5);
        if (i % 2 && held->files[i].count != held->files[i - 1].count)
            return rt_fail(err, RT_EDATA, "%s: %zu labels for %zu images; get both files again", path,
                           held->files[i].count, held->files[i - 1].count);
    }
    return RT_OK;
}

/* Which of them it is: by the first test labels, else by the folder's path. */
static int identify(struct rt_source *source, const struct rt_idx *labels, struct rt_error *err)
{
    const struct rt_source_kind *kind = source->named ? source->kind : kind_of(source->where);

    for (int i = 0; i < VARIANTS && labels->count >= FIRST_LABELS; i++)
        if (!memcmp(labels->bytes, variants[i].first, FIRST_LABELS))
            kind = variants[i].kind;
    if (source->named && kind != source->kind)
        return rt_fail(err, RT_EDATA, "%s: the labels are those of %s, not of %s", source->where, kind->name,
                       source->kind->name);
    source->kind = kind;
    return RT_OK;
}

static int mnist_open(struct rt_source *source, const char *given, struct rt_error *err)
{
    char folder[RT_PATH_MAX], canonical[PATH_MAX];
    const struct variant *variant;
    struct held *held;
    int rc;

    RT_TRY(look_for(source->named ? source->kind : NULL, given, folder, err));
    if (!realpath(folder, canonical))
        return rt_fail_errno(err, RT_EIO, errno, "%s", folder);
    if (!rt_copy_text(source->where, sizeof source->where, canonical))
        return rt_fail(err, RT_EDATA, "%s: the path is longer than %zu bytes", folder,
                       sizeof source->where - 1);
    RT_TRY(rt_alloc(&held, 1, sizeof *held, "a data set's files", err));
    source->state = held;
    if ((rc = read_files(source, held, err)) || (rc = identify(source, &held->files[3], err))) {
        mnist_close(source);
        return rc;
    }
    variant = variant_of(source->kind);
    source->file_count = FILES;
    for (int i = 0; i < FILES; i++)
        source->files[i].official = !strcmp(source->files[i].md5, source->kind->published->files[i].md5);
    source->train_count = held->files[0].count;
    source->test_count = held->files[2].count;
    for (int i = 0; i < RT_CLASSES; i++)
        snprintf(source->classes[i], sizeof source->classes[i], "%s", variant->classes[i]);
    return RT_OK;
}

static int mnist_read(const struct rt_source *source, size_t first, size_t count, uint8_t *records,
                      struct rt_error *err)
{
    const struct held *held = source->state;

    (void)err;
    for (size_t i = 0; i < count; i++, records += 1 + IMAGE) {
        const size_t index = first + i, split = index < source->train_count ? 0 : 2;
        const size_t at = split ? index - source->train_count : index;

        records[0] = held->files[split + 1].bytes[at];
        memcpy(records + 1, held->files[split].bytes + at * IMAGE, IMAGE);
    }
    return RT_OK;
}

/* Mean and deviation as they are given everywhere, of the training images. */
const struct rt_source_kind rt_source_mnist = {
    .name = "mnist",
    .help = "MNIST (LeCun et al. 1998), IDX files, from a directory",
    .channels = 1,
    .side = RT_IDX_SIDE,
    .train_count = 60000,
    .test_count = 10000,
    .block_records = 10000,
    .mean = {0.1307f},
    .std = {0.3081f},
    .sign = FIRST_FILE,
    .published = &rt_fetch_mnist,
    .find = mnist_find,
    .open = mnist_open,
    .read = mnist_read,
    .close = mnist_close,
};

const struct rt_source_kind rt_source_fashion_mnist = {
    .name = "fashion-mnist",
    .help = "Fashion-MNIST (Xiao et al. 2017), IDX files, from a directory",
    .channels = 1,
    .side = RT_IDX_SIDE,
    .train_count = 60000,
    .test_count = 10000,
    .block_records = 10000,
    .mean = {0.2860f},
    .std = {0.3530f},
    .published = &rt_fetch_fashion_mnist,
    .find = mnist_find,
    .open = mnist_open,
    .read = mnist_read,
    .close = mnist_close,
};
