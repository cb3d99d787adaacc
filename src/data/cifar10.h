/* CIFAR-10's files: those of the binary version, as the official archive has them (docs/formats.md), and the
 * Python version's batches, which hold the same bytes. */
#ifndef RT_DATA_CIFAR10_H
#define RT_DATA_CIFAR10_H

#include <stdbool.h>

#include "base/error.h"
#include "base/path.h"

#define RT_CIFAR10_FOLDER "cifar-10-batches-bin"
#define RT_CIFAR10_PYTHON_FOLDER "cifar-10-batches-py"
#define RT_CIFAR10_NAMES "batches.meta.txt"

enum { RT_CIFAR10_FILES = 6, RT_CIFAR10_RECORDS = 10000, RT_CIFAR10_FILE_BYTES = 30730000 };

/* X(name, SHA-256 of NAME.bin): five of training images, then the test images. */
#define RT_CIFAR10_BATCHES(X)                                                                                  \
    X("data_batch_1", "cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5")                      \
    X("data_batch_2", "a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed")                      \
    X("data_batch_3", "bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67")                      \
    X("data_batch_4", "014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48")                      \
    X("data_batch_5", "755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add")                      \
    X("test_batch", "8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b")

extern const struct rt_cifar10_file {
    const char *name, *path, *sha256; /* path: in the official archive */
    const char *python;               /* the same images in the Python version */
    const char *python_path;          /* and in its archive */
} rt_cifar10_files[RT_CIFAR10_FILES];

/* Turns the Python version's six files in `folder`, which came from `archive`, into those of the binary
 * version, class names included. RT_EDATA, naming archive and file, when one is not such a batch; RT_EIO;
 * RT_EMEMORY. */
int rt_cifar10_convert(const char *folder, const char *archive, struct rt_error *err);

#endif
