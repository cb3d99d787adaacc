/* MNIST and Fashion-MNIST: four IDX files each (docs/formats.md). */
#ifndef RT_DATA_MNIST_H
#define RT_DATA_MNIST_H

#include "base/error.h"
#include "base/path.h"
#include "data/source.h"

enum { RT_MNIST_FILES = 4 };

/* Training images, training labels, test images, test labels. */
extern const char *const rt_mnist_files[RT_MNIST_FILES];

/* The folder of the four files of that kind (null: of either): `given` or one that torchvision or `data fetch`
 * makes in it. RT_EDATA when there is none, RT_EUSAGE when there is one of each. */
int rt_mnist_find(const struct rt_source_kind *kind, const char *given, char folder[RT_PATH_MAX],
                  struct rt_error *err);

/* Of a folder with such files, by its path. */
const struct rt_source_kind *rt_mnist_kind_of(const char *folder);

#endif
