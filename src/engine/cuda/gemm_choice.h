/* Which tile and split a product gets: by a model of the card's time, from shapes alone. */
#ifndef RT_ENGINE_CUDA_GEMM_CHOICE_H
#define RT_ENGINE_CUDA_GEMM_CHOICE_H

#include "engine/cuda/gemm.h"

/* D[rows x columns] = A[rows x depth] * B[depth x columns], `products` of them in one launch. */
struct rt_cuda_product {
    const struct rt_cuda_conv *conv;
    enum rt_cuda_conv_pass pass;
    enum rt_cuda_math math;
    long rows, columns, depth;
    int products;
    double outputs; /* floats that a part is, all products together */
};

/* Whether a tile can do a product at all: those of conv_halo.cu do TF32 of stride 1, kernel 3 to 5, with
 * channels in fours, and not weights' gradients. */
bool rt_cuda_tile_fits(const struct rt_cuda_product *product, const struct rt_cuda_tile *tile);

/* Stages that the depth is cut into, of which each split gets some: of conv_halo.cu, tile->k channels with all
 * taps. */
long rt_cuda_tile_stages(const struct rt_cuda_product *product, const struct rt_cuda_tile *tile);

/* Blocks of one part of one product. */
long rt_cuda_tile_blocks(const struct rt_cuda_product *product, const struct rt_cuda_tile *tile);

/* Pixels of x that a block of conv_taps.cu keeps. */
enum { RT_CUDA_RING = 256 };

/* Pixels that `rows` consecutive pixels of the product need around them, at most. */
int rt_cuda_halo(const struct rt_cuda_product *product, int rows);

/* Bytes of shared memory that a block of this tile takes. */
size_t rt_cuda_tile_shared_bytes(const struct rt_cuda_product *product, const struct rt_cuda_tile *tile);

/* The product behind a pass of a convolution, which must outlive it. */
struct rt_cuda_product rt_cuda_conv_product(const struct rt_cuda_conv *conv, enum rt_cuda_conv_pass pass);

/* Cycles that a launch with this tile, its splits among it, is expected to take. */
double rt_cuda_tile_cost(const struct rt_cuda_product *product, const struct rt_cuda_tile *tile,
                         int multiprocessors);

/* The tile and its split that the model expects to be fastest. */
struct rt_cuda_tile rt_cuda_tile_choose(const struct rt_cuda_product *product, int multiprocessors,
                                        size_t shared_max);

/* The tiles there are to choose from (splits is 0); the tuner and the tests go through them. */
extern const struct rt_cuda_tile rt_cuda_tiles_tf32[], rt_cuda_tiles_fp32[];
extern const int rt_cuda_tiles_tf32_count, rt_cuda_tiles_fp32_count;

#endif
