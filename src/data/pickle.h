/* A batch of CIFAR-10's Python version: a pickled dictionary of labels and a NumPy array of pixels. The file is
 * never unpickled: a machine of our own runs the few instructions that such dictionaries are made of (protocols
 * 2 to 5; Python, pickletools), calls nothing, and refuses everything else. */
#ifndef RT_DATA_PICKLE_H
#define RT_DATA_PICKLE_H

#include <stdint.h>

#include "base/error.h"

enum { RT_PICKLE_IMAGES = 10000, RT_PICKLE_IMAGE_BYTES = 3072, RT_PICKLE_FILE_BYTES_MAX = 64 << 20 };

struct rt_pickle_batch {
    int64_t pixels_at;                /* the file's offset of uint8 [RT_PICKLE_IMAGES][RT_PICKLE_IMAGE_BYTES] */
    uint8_t labels[RT_PICKLE_IMAGES]; /* not checked against the classes */
};

/* Reads the labels and finds the pixels, without reading these. `name`: how messages call the file; null: by
 * its path. RT_EDATA, naming file, byte and instruction, when it is anything but such a dictionary; RT_EIO;
 * RT_EMEMORY. */
int rt_pickle_read(struct rt_pickle_batch *batch, const char *path, const char *name, struct rt_error *err);

#endif
