/* CIFAR-10's binary version: its files, as the official archive has them (docs/formats.md). */
#ifndef RT_DATA_CIFAR10_H
#define RT_DATA_CIFAR10_H

#include "base/error.h"
#include "base/path.h"

#define RT_CIFAR10_FOLDER "cifar-10-batches-bin"
#define RT_CIFAR10_NAMES "batches.meta.txt"

enum { RT_CIFAR10_FILES = 6, RT_CIFAR10_RECORDS = 10000, RT_CIFAR10_FILE_BYTES = 30730000 };

/* Five of training images, then the test images. */
extern const struct rt_cifar10_file {
    const char *name, *path, *sha256; /* path: in the official archive */
} rt_cifar10_files[RT_CIFAR10_FILES];

/* The directory of the files: `given` itself or the official folder in it. RT_EDATA when it is neither. */
int rt_cifar10_find(const char *given, char directory[RT_PATH_MAX], struct rt_error *err);

#endif
