/* Chooses the tile and split-K factor of a product by a cost model; a function of shapes alone. */
#ifndef RT_ENGINE_CUDA_GEMM_CHOICE_H
#define RT_ENGINE_CUDA_GEMM_CHOICE_H

#include "engine/cuda/gemm.h"

/* D[rows x columns] = A[rows x depth] * B[depth x columns], batched `products` times in one launch. */
struct rt_cuda_product {
    const struct rt_cuda_conv *conv;
    enum rt_cuda_conv_pass pass;
    enum rt_cuda_math math;
    long rows, columns, depth;
    int products;
    double outputs; /* floats in D over all products: the size of one split's partial sums */
};

/* Whether the tile's kernel supports the product. conv_halo.cu: TF32, stride 1, kernels of 3 to 5, channels in
 * multiples of 4, forward and input gradient; conv_taps.cu: TF32 weight gradients of 3 x 3, stride 1, padding
 * 1; gemm.cu: everything, BF16 with depths in multiples of 16. */
bool rt_cuda_tile_fits(const struct rt_cuda_product *product, const struct rt_cuda_tile *tile);

/* Pipeline stages along the depth, divided among the splits. In conv_halo.cu one is tile->k channels with all
 * taps. */
long rt_cuda_tile_stages(const struct rt_cuda_product *product, const struct rt_cuda_tile *tile);

/* Thread blocks for one split of one product. */
long rt_cuda_tile_blocks(const struct rt_cuda_product *product, const struct rt_cuda_tile *tile);

/* Pixels of x in the ring buffer of a conv_taps.cu block. */
enum { RT_CUDA_RING = 256 };

/* The largest halo, in pixels of the other tensor, of `rows` consecutive rows of D. */
int rt_cuda_halo(const struct rt_cuda_product *product, int rows);

/* Dynamic shared memory of a block, in bytes. */
size_t rt_cuda_tile_shared_bytes(const struct rt_cuda_product *product, const struct rt_cuda_tile *tile);

/* The product that a pass of `conv` computes; it refers to `conv`. */
struct rt_cuda_product rt_cuda_conv_product(const struct rt_cuda_conv *conv, enum rt_cuda_conv_pass pass);

/* Estimated cycles of a launch with this tile and tile->splits. */
double rt_cuda_tile_cost(const struct rt_cuda_product *product, const struct rt_cuda_tile *tile,
                         int multiprocessors);

/* The tile and split of least estimated cost; m is 0 where none fits shared_max bytes. */
struct rt_cuda_tile rt_cuda_tile_choose(const struct rt_cuda_product *product, int multiprocessors,
                                        size_t shared_max);

/* The tiles there are to choose from (splits is 0); the tuner and the tests go through them. */
const struct rt_cuda_tile *rt_cuda_tiles(enum rt_cuda_math math, int *count);

#endif
