/* Which kernels a convolution or linear layer runs on a card, and how they are launched.
 *
 * Activations are [image][row][column][channel] floats with a leading dimension (floats from one pixel to the
 * next), so that a concatenation's parts lie side by side; pointers already point at the first channel. Weights
 * are [kernel][kernel][in_c][out_c], and so are their gradient and momentum. A linear layer is a 1 x 1
 * convolution of 1 x 1 maps. Everything here is a function of the shape alone, the split of long sums too, so
 * the same shape gives the same bits. Nothing needs a card.
 *
 * A pass is one or two kernels, launched in order; the second adds the parts of a sum that the first left in
 * the workspace. Their arguments, all pointers to device memory, in this order:
 *
 *   forward           x, w, bias, y, count, workspace
 *   input gradient    dy, w, gate, dx, count, workspace
 *   weight gradient   x, dy, g, bias_g, w, bias_w, v, bias_v, count, update, workspace
 *
 * `count` is const int *: images of this batch, at most batch_max; rows of the others are neither read nor
 * written. Pointers that a layer has no use for (bias, gate, workspace, ...) may be null. gate is x as the
 * forward pass saw it: dx becomes 0 where x is not positive. `update` is a struct rt_cuda_update
 * (kernels/pass.h), v and bias_v the optimiser's first states; where the layer has update = false, g and bias_g
 * are written instead, and w and v are not touched. */
#ifndef RT_ENGINE_CUDA_GEMM_H
#define RT_ENGINE_CUDA_GEMM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

enum rt_cuda_math { RT_CUDA_FP32, RT_CUDA_TF32, RT_CUDA_BF16 };

struct rt_cuda_conv {
    int batch_max;
    int in_h, in_w, in_c;
    int in_ld,
        in_offset; /* floats from pixel to pixel; first channel's place there (only in_offset % 4 counts) */
    int out_h, out_w, out_c;
    int out_ld, out_offset;
    int kernel, stride, padding;
    bool padded_input; /* in_ld >= in_c rounded up to 4, and the channels between are 0: the first layer's
                          images */
    bool bias, relu;   /* y = max(x * w + bias, 0); the caller masks dy where relu */
    bool accumulate;   /* dx += instead of dx = */
    bool gate;         /* dx = 0 where x <= 0 (after the sum, where accumulate) */
    bool update;       /* the weight gradient's pass also updates w and v ... */
    int optimizer;     /* ... as this one does, an enum rt_optimizer_index */
    enum rt_cuda_math math;
};

enum rt_cuda_conv_pass { RT_CUDA_FORWARD, RT_CUDA_INPUT_GRADIENT, RT_CUDA_WEIGHT_GRADIENT };

enum { RT_CUDA_OPTIONS_MAX = 1024, RT_CUDA_ARGUMENTS_GEMM_MAX = 11 };

/* One kernel: what to compile and how to launch it. Two kernels with the same source, entry and options are the
 * same code. */
struct rt_cuda_kernel {
    const char *source;                /* file in kernels/ */
    const char *entry;                 /* name of the function */
    char options[RT_CUDA_OPTIONS_MAX]; /* "-DNAME=value -D..." */
    unsigned grid[3], block;           /* blocks; threads of one (x only) */
    size_t shared_bytes;               /* dynamic; may be more than 48 KiB */
};

struct rt_cuda_conv_plan {
    struct rt_cuda_kernel kernels[2]; /* each takes all the arguments of its pass */
    int count;
    size_t workspace_bytes; /* 0: none */
};

/* What a pass is cut into. 0 leaves a choice to the table; tests and the tuner set them. */
struct rt_cuda_tile {
    int m, n, k; /* of a block; k: depth of a stage */
    int warps_m, warps_n;
    int stages, blocks; /* blocks: meant to share a multiprocessor */
    int splits;         /* parts of the sum's depth */
    int taps;           /* 0: gemm.cu; 9: conv_taps.cu; else of a stage of conv_halo.cu */
};

/* multiprocessors: of the card (132 on an H100); shared_max: bytes of shared memory that a block may have
 * (232,448 on an H100, 166,912 on an A100). tile: null, or what to take instead of the choice. RT_ECONFIG where
 * a shape is impossible, or a buffer would pass 2^31 floats. */
int rt_cuda_conv_plan(struct rt_cuda_conv_plan *plan, const struct rt_cuda_conv *conv,
                      enum rt_cuda_conv_pass pass, int multiprocessors, size_t shared_max,
                      const struct rt_cuda_tile *tile, struct rt_error *err);

#endif
