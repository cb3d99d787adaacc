/* The header of NumPy's .npy files (format 1.0 to 3.0), of arrays in C order and little-endian. */
#ifndef RT_BASE_NPY_H
#define RT_BASE_NPY_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum {
    RT_NPY_HEADER =
        128, /* bytes of a header that rt_npy_format writes, whatever the shape: files grow in place */
    RT_NPY_HEADER_MAX = 4096, /* that rt_npy_parse needs at most */
    RT_NPY_RANK_MAX = 4,
};

struct rt_npy {
    char type[8]; /* "<f2", "|b1", "<i8" */
    int rank;
    uint64_t shape[RT_NPY_RANK_MAX];
    size_t header_bytes; /* where the array begins */
};

/* A header of RT_NPY_HEADER bytes for an array of rows x columns. */
void rt_npy_format(char header[RT_NPY_HEADER], const char *type, uint64_t rows, uint64_t columns);

/* Reads the header from a file's first `size` bytes (as many as it has, or RT_NPY_HEADER_MAX). RT_EDATA names
 * `path` and what is wrong: no .npy file, a header cut short, Fortran order, more than RT_NPY_RANK_MAX
 * dimensions. */
int rt_npy_parse(struct rt_npy *npy, const char *path, const void *bytes, size_t size, struct rt_error *err);

#endif
