/* IDX: the file format of MNIST (LeCun, Cortes and Burges), plain or gzipped. Two zero bytes, the type (8:
 * bytes), the number of dimensions, each dimension as 32 bits with the high byte first, then the bytes. */
#ifndef RT_DATA_IDX_H
#define RT_DATA_IDX_H

#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/error.h"

enum { RT_IDX_IMAGES_MAX = 60000, RT_IDX_SIDE = 28 };

struct rt_idx {
    size_t count;            /* images or labels */
    uint8_t *bytes;          /* [count][28][28], or [count] */
    char md5[RT_DIGEST_HEX]; /* of the file as it is */
};

/* Images of 28 x 28, 1 to 60000 of them; labels 0 to 9. RT_EDATA "PATH: ..." names what is at fault; memory is
 * taken for what the file can hold only. Free it with rt_idx_free, which accepts the zeroed state. */
int rt_idx_read_images(struct rt_idx *idx, const char *path, struct rt_error *err);
int rt_idx_read_labels(struct rt_idx *idx, const char *path, struct rt_error *err);
void rt_idx_free(struct rt_idx *idx);

#endif
