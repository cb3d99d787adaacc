/* MNIST and Fashion-MNIST, file by file. Addresses and MD5s are torchvision's (torchvision/datasets/mnist.py),
 * sizes those that the data sets' pages give. */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/lock.h"
#include "base/memory.h"
#include "data/fetch.h"

static const char *const mnist_bases[] = {"https://ossci-datasets.s3.amazonaws.com/mnist/", NULL};
static const char *const fashion_bases[] = {"http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
                                            NULL};

const struct rt_fetch_files rt_fetch_mnist = {
    .name = "mnist",
    .bases = mnist_bases,
    .files = {{"train-images-idx3-ubyte.gz", "f68b3c2dcbeaaa9fbdd348bbdeb94873", 9912422},
              {"train-labels-idx1-ubyte.gz", "d53e105ee54ea40749a09fcbcd1e9432", 28881},
              {"t10k-images-idx3-ubyte.gz", "9fb629c4189551a2d022fa330f9573f3", 1648877},
              {"t10k-labels-idx1-ubyte.gz", "ec29112dd5afa0611ce80d1b7f02629c", 4542}},
};

const struct rt_fetch_files rt_fetch_fashion_mnist = {
    .name = "fashion-mnist",
    .bases = fashion_bases,
    .files = {{"train-images-idx3-ubyte.gz", "8d4fb7e6c68d591d4c3dfef9ec88bf0d", 26421880},
              {"train-labels-idx1-ubyte.gz", "25c81989df183df01b3e8a0aad5dffbe", 29515},
              {"t10k-images-idx3-ubyte.gz", "bef4ecab320f06d8554ea6380940ec79", 4422102},
              {"t10k-labels-idx1-ubyte.gz", "bb300cfdad3c16e7a12a480ee83cd310", 5148}},
};

enum { BASES_MAX = 4, URL_MAX = 1024 };

static int copy(const char *from, const char *to, int64_t bytes, struct rt_error *err)
{
    char *content = NULL;
    size_t size;
    int rc;

    RT_TRY(rt_file_read_all(from, (size_t)bytes, &content, &size, err));
    rc = rt_file_write_all(to, content, size, err);
    rt_free(&content);
    return rc;
}

static int fetch_file(const struct rt_fetch_files *set, const struct rt_fetch_file *file,
                      const struct rt_fetch *how, const char *home, const char *folder, struct rt_error *err)
{
    char urls[BASES_MAX][URL_MAX], part[RT_PATH_MAX], path[RT_PATH_MAX], to[RT_PATH_MAX];
    const char *list[BASES_MAX + 1] = {NULL};
    struct rt_fetch fetch = *how;
    bool downloaded = false;

    for (int i = 0; i < BASES_MAX && set->bases[i]; i++) {
        const size_t length = strlen(set->bases[i]);
        const char *slash = length && set->bases[i][length - 1] == '/' ? "" : "/";

        if (snprintf(urls[i], URL_MAX, "%s%s%s", set->bases[i], slash, file->name) >= URL_MAX)
            return rt_fail(err, RT_EUSAGE, "--url: longer than %d bytes", URL_MAX - 40);
        list[i] = urls[i];
    }
    snprintf(part, sizeof part, ".%s-%s.part", set->name, file->name);
    fetch.urls = list;
    fetch.md5 = file->md5;
    fetch.archive_bytes = file->bytes;
    fetch.part = part;
    RT_TRY(rt_path_join(to, folder, file->name, err));
    RT_TRY(rt_fetch_obtain(&fetch, home, path, &downloaded, err));
    return downloaded ? rt_path_rename(path, to, err) : copy(path, to, file->bytes, err);
}

int rt_fetch_install_files(const struct rt_fetch_files *files, const struct rt_fetch *how, const char *home,
                           char installed[RT_PATH_MAX], struct rt_error *err)
{
    char temporary[RT_PATH_MAX] = "";
    struct rt_lock lock;
    int rc;

    RT_TRY(rt_folder_make(home, err));
    RT_TRY(rt_path_join(installed, home, files->name, err));
    if (!how->replace && rt_path_exists(installed))
        return rt_fail(err, RT_EIO,
                       "%s is there already: look at it with 'rethink data check', replace it with --force",
                       installed);
    RT_TRY(rt_lock_acquire(&lock, home, "fetch.lock", err));
    if (!(rc = rt_folder_remove_temporaries(home, err)) &&
        !(rc = rt_folder_make_temporary(temporary, installed, err))) {
        for (int i = 0; i < (int)(sizeof files->files / sizeof *files->files) && !rc; i++)
            rc = fetch_file(files, &files->files[i], how, home, temporary, err);
        if (!rc)
            rc = rt_folder_replace(temporary, installed, err);
        if (rc)
            rt_tree_remove(temporary, home, NULL);
    }
    rt_lock_remove(&lock);
    return rc;
}
