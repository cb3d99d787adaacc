/* Scalar products of many rows with many rows: one tile of A B^T at a time, with the engine's micro-kernel.
 *
 * Single precision within 1024 terms, whose sums are then added in double: products of centred bytes, x - 128,
 * are at most 2^14, and 2^10 of them at most 2^24, so that products of images are exact, and with them their
 * distances. */
#ifndef RT_THEORY_DOTS_H
#define RT_THEORY_DOTS_H

#include "base/error.h"
#include "engine/native/isa.h"

enum { RT_TILE = 512 }; /* rows and columns of a tile */

struct rt_dots {
    const struct rt_isa *kernels;
    long depth;              /* terms of a product */
    long columns;            /* rows of B that are packed */
    float *packed, *partial; /* B in panels; sums of at most 1024 terms */
    double *sums;            /* [RT_TILE][RT_TILE]: the products */
};

/* Scratch of one thread, for products of `depth` terms. RT_EMEMORY, RT_ECONFIG. */
int rt_dots_create(struct rt_dots *dots, long depth, struct rt_error *err);
void rt_dots_free(struct rt_dots *dots); /* accepts the zeroed state */

/* B = `columns` (at most RT_TILE) rows of `stride` floats. */
void rt_dots_pack(struct rt_dots *dots, const float *b, long columns, long stride);

/* sums[r][c] = the product of A's row r and B's row c, for `rows` (at most RT_TILE) rows of A. */
void rt_dots_multiply(struct rt_dots *dots, const float *a, long rows, long stride);

#endif
