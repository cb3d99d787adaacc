/* Kernels and launch parameters of convolutions and linear layers.
 *
 * Activations and their gradients are NHWC elements (float32, in math BF16 bfloat16; kernels/element.h) with a
 * leading dimension (ld: elements from pixel to pixel), so that the inputs of a concatenation can be views into
 * its output; pointers include the channel offset. Weights, their gradient and optimiser states are float32
 * [kernel][kernel][in_c][out_c]. A linear layer is a 1 x 1 convolution of 1 x 1 maps.
 * FP32: fused multiply-adds. TF32: tensor cores, operands rounded to nearest. BF16: tensor cores, operands as
 * they are stored. Sums are float32; in BF16 y and dx are rounded to nearest once, after the whole epilogue.
 * Tiles and split-K factors depend on the shape (and the card's limits) alone, so results are reproducible bit
 * for bit. Planning needs no device.
 *
 * A pass is one kernel, or two with split-K: the second reduces the partial sums that the first left in the
 * workspace. Arguments of both, all pointers to device memory, in this order:
 *
 *   forward           x, w16, bias, y, count, workspace
 *   input gradient    dy, w16, gate, dx, count, workspace
 *   weight gradient   x, dy, g, bias_g, w, bias_w, v, bias_v, count, update, workspace, w16
 *
 * w16: the weights as elements, aligned as w. In BF16 a copy of w, which an update writes as well; in FP32 and
 * TF32 w itself, which the weight gradient does not take a second time (null).
 * count: const int *, images in this batch, at most batch_max; rows of further images are neither read nor
 * written. Unused pointers (bias, gate, workspace, ...) may be null. gate: the forward pass's x; where it is
 * not positive, dx is 0. update: struct rt_cuda_update (kernels/pass.h); v, bias_v: the optimiser's first
 * state. With update = false, g and bias_g are written and w and v are not. */
#ifndef RT_ENGINE_CUDA_GEMM_H
#define RT_ENGINE_CUDA_GEMM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

enum rt_cuda_math { RT_CUDA_FP32, RT_CUDA_TF32, RT_CUDA_BF16 };

struct rt_cuda_conv {
    int batch_max;
    int in_h, in_w, in_c;
    int in_ld, in_offset; /* elements from pixel to pixel; of the first channel (only modulo 4 matters) */
    int out_h, out_w, out_c;
    int out_ld, out_offset;
    int kernel, stride, padding;
    bool padded_input; /* in_ld >= in_c rounded up to 4, padded with zeros: the network's input */
    bool bias, relu;   /* y = max(x * w + bias, 0); with relu the caller masks dy */
    bool accumulate;   /* dx += instead of dx = */
    bool gate;         /* dx = 0 where x <= 0, applied after accumulation */
    bool update;       /* the weight gradient pass updates w and v in its epilogue ... */
    int optimizer;     /* ... with this optimiser, an enum rt_optimizer_index */
    enum rt_cuda_math math;
};

enum rt_cuda_conv_pass { RT_CUDA_FORWARD, RT_CUDA_INPUT_GRADIENT, RT_CUDA_WEIGHT_GRADIENT };

enum { RT_CUDA_OPTIONS_MAX = 1024, RT_CUDA_ARGUMENTS_GEMM_MAX = 12 };

/* A kernel to compile and its launch parameters. The same source and options are the same module. */
struct rt_cuda_kernel {
    const char *source;                /* file in kernels/ */
    const char *entry;                 /* function name */
    char options[RT_CUDA_OPTIONS_MAX]; /* "-DNAME=value -D..." */
    unsigned grid[3], block;           /* in blocks; in threads (x only) */
    size_t shared_bytes;               /* dynamic; may exceed 48 KiB */
};

struct rt_cuda_conv_plan {
    struct rt_cuda_kernel kernels[2]; /* each takes all arguments of its pass */
    int count;
    size_t workspace_bytes; /* 0: none */
};

/* Tiling of a pass. Chosen by gemm_choice.h; tests and the tuner set their own. */
struct rt_cuda_tile {
    int m, n, k; /* per block; k: depth per pipeline stage */
    int warps_m, warps_n;
    int stages, blocks; /* blocks: resident per multiprocessor (launch bounds) */
    int splits;         /* split-K factor */
    int taps;           /* 0: gemm.cu; 9: conv_taps.cu; else conv_halo.cu, taps per stage */
};

/* multiprocessors: 132 on an H100. shared_max: bytes of shared memory per block (232,448 on an H100, 166,912 on
 * an A100). tile: overrides the choice; null: none. RT_ECONFIG: inconsistent sizes, an unsupported kernel size,
 * a tile that does not fit, or a tensor of 2^31 numbers or more. */
int rt_cuda_conv_plan(struct rt_cuda_conv_plan *plan, const struct rt_cuda_conv *conv,
                      enum rt_cuda_conv_pass pass, int multiprocessors, size_t shared_max,
                      const struct rt_cuda_tile *tile, struct rt_error *err);

#endif
