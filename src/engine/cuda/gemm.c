#include "engine/cuda/gemm.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "engine/cuda/gemm_choice.h"

static long ceil_div(long a, long b)
{
    return (a + b - 1) / b;
}

static bool aligned(int channels, int ld, int offset)
{
    return channels % 4 == 0 && ld % 4 == 0 && offset % 4 == 0;
}

/* Channels of x, including padding. */
static int input_channels(const struct rt_cuda_conv *conv)
{
    return conv->padded_input ? (conv->in_c + 3) / 4 * 4 : conv->in_c;
}

static int check(const struct rt_cuda_conv *c, struct rt_error *err)
{
    const double in = (double)c->batch_max * c->in_h * c->in_w * c->in_ld;
    const double out = (double)c->batch_max * c->out_h * c->out_w * c->out_ld;
    const double weights = (double)c->kernel * c->kernel * c->in_c * c->out_c;

    if (c->batch_max < 1 || c->kernel < 1 || c->stride < 1 || c->padding < 0 || c->in_c < 1 || c->out_c < 1 ||
        c->in_ld < input_channels(c) || c->out_ld < c->out_c || c->in_h < 1 || c->in_w < 1 ||
        c->out_h != (c->in_h + 2 * c->padding - c->kernel) / c->stride + 1 ||
        c->out_w != (c->in_w + 2 * c->padding - c->kernel) / c->stride + 1 || c->out_h < 1 || c->out_w < 1)
        return rt_fail(err, RT_ECONFIG,
                       "convolution of %d x %d x %d by %d (stride %d, padding %d) to %d x %d x %d: "
                       "these sizes do not fit one another",
                       c->in_h, c->in_w, c->in_c, c->kernel, c->stride, c->padding, c->out_h, c->out_w,
                       c->out_c);
    if (in >= INT_MAX || out >= INT_MAX || weights >= INT_MAX)
        return rt_fail(err, RT_ECONFIG,
                       "convolution of %d x %d x %d to %d channels, batch %d: more than 2^31 numbers "
                       "in one tensor; use a smaller batch",
                       c->in_h, c->in_w, c->in_c, c->out_c, c->batch_max);
    if (c->kernel > 16)
        return rt_fail(err, RT_ECONFIG, "convolution of %d x %d: kernels are at most 16 x 16 on a GPU",
                       c->kernel, c->kernel);
    return RT_OK;
}

struct rt_cuda_product rt_cuda_conv_product(const struct rt_cuda_conv *c, enum rt_cuda_conv_pass pass)
{
    const long in = (long)c->batch_max * c->in_h * c->in_w, out = (long)c->batch_max * c->out_h * c->out_w;
    const long taps = (long)c->kernel * c->kernel;
    struct rt_cuda_product p = {.conv = c, .pass = pass, .math = c->math, .products = 1};

    if (pass == RT_CUDA_FORWARD) {
        p.rows = out, p.columns = c->out_c, p.depth = taps * input_channels(c);
        p.outputs = (double)out * c->out_c;
    } else if (pass == RT_CUDA_INPUT_GRADIENT) {
        p.products = c->stride * c->stride;
        p.rows = (long)c->batch_max * ceil_div(c->in_h, c->stride) * ceil_div(c->in_w, c->stride);
        p.columns = c->in_c, p.depth = ceil_div(taps, p.products) * c->out_c;
        p.outputs = (double)in * c->in_c;
    } else {
        p.rows = taps * input_channels(c), p.columns = c->out_c, p.depth = out;
        p.outputs = (double)taps * c->in_c * c->out_c + (c->bias ? c->out_c : 0);
    }
    return p;
}

static void shape_options(char *text, size_t size, const struct rt_cuda_conv *c, enum rt_cuda_conv_pass pass,
                          int splits)
{
    snprintf(
        text, size,
        "-DRT_PASS=%d -DRT_MATH=%d -DRT_B=%d -DRT_IH=%d -DRT_IW=%d -DRT_IC=%d -DRT_WC=%d -DRT_ILD=%d "
        "-DRT_OH=%d "
        "-DRT_OW=%d -DRT_OC=%d -DRT_OLD=%d -DRT_K=%d -DRT_S=%d -DRT_P=%d -DRT_VIN=%d -DRT_VOUT=%d -DRT_VW=%d "
        "-DRT_BIAS=%d -DRT_RELU=%d -DRT_ACCUMULATE=%d -DRT_GATE=%d -DRT_UPDATE=%d "
        "-DRT_OPTIMIZER=%d -DRT_SPLITS=%d%s",
        pass, c->math, c->batch_max, c->in_h, c->in_w, input_channels(c), c->in_c, c->in_ld, c->out_h, c->out_w,
        c->out_c, c->out_ld, c->kernel, c->stride, c->padding,
        aligned(input_channels(c), c->in_ld, c->in_offset), aligned(c->out_c, c->out_ld, c->out_offset),
        c->out_c % 4 == 0, c->bias, c->relu, c->accumulate, c->gate, c->update, c->update ? c->optimizer : 0,
        splits, c->math == RT_CUDA_BF16 ? " -DRT_BF16=1" : "");
}

static const char *const entries[][2] = {
    [RT_CUDA_FORWARD] = {"conv_forward", "conv_forward_parts"},
    [RT_CUDA_INPUT_GRADIENT] = {"conv_input_gradient", "conv_input_gradient_parts"},
    [RT_CUDA_WEIGHT_GRADIENT] = {"conv_weight_gradient", "conv_weight_gradient_parts"},
};

static void main_kernel(struct rt_cuda_kernel *k, const struct rt_cuda_conv *conv,
                        const struct rt_cuda_product *p, const struct rt_cuda_tile *tile)
{
    size_t length;

    k->source = tile->taps == 9 ? "conv_taps.cu" : tile->taps ? "conv_halo.cu" : "gemm.cu";
    k->entry = entries[p->pass][0];
    shape_options(k->options, sizeof k->options, conv, p->pass, tile->splits);
    length = strlen(k->options);
    snprintf(k->options + length, sizeof k->options - length,
             " -DRT_BM=%d -DRT_BN=%d -DRT_BK=%d -DRT_WARPS_M=%d -DRT_WARPS_N=%d -DRT_STAGES=%d -DRT_BLOCKS=%d",
             tile->m, tile->n, tile->k, tile->warps_m, tile->warps_n, tile->stages, tile->blocks);
    if (tile->taps == 9) {
        length = strlen(k->options);
        snprintf(k->options + length, sizeof k->options - length, " -DRT_RING=%d", RT_CUDA_RING);
    } else if (tile->taps) {
        length = strlen(k->options);
        snprintf(k->options + length, sizeof k->options - length, " -DRT_TAPS=%d -DRT_HALO=%d", tile->taps,
                 rt_cuda_halo(p, tile->m));
    }
    k->grid[0] = (unsigned)rt_cuda_tile_blocks(p, tile);
    k->grid[1] = 1;
    k->grid[2] = (unsigned)(p->products * tile->splits);
    k->block = (unsigned)(32 * tile->warps_m * tile->warps_n);
    k->shared_bytes = rt_cuda_tile_shared_bytes(p, tile);
}

/* The split-K reduction: one thread per float, or per float4. */
static void parts_kernel(struct rt_cuda_kernel *k, const struct rt_cuda_conv *conv,
                         const struct rt_cuda_product *p, int splits)
{
    const bool vector = (p->pass == RT_CUDA_INPUT_GRADIENT ? conv->in_c : conv->out_c) % 4 == 0;
    size_t length;

    k->source = "gemm_parts.cu";
    k->entry = entries[p->pass][1];
    shape_options(k->options, sizeof k->options, conv, p->pass, splits);
    length = strlen(k->options);
    snprintf(k->options + length, sizeof k->options - length, " -DRT_VECTOR=%d", vector);
    k->grid[0] = (unsigned)ceil_div((long)p->outputs, 256 * (vector ? 4 : 1));
    k->grid[1] = k->grid[2] = 1;
    k->block = 256;
    k->shared_bytes = 0;
}

int rt_cuda_conv_plan(struct rt_cuda_conv_plan *plan, const struct rt_cuda_conv *conv,
                      enum rt_cuda_conv_pass pass, int multiprocessors, size_t shared_max,
                      const struct rt_cuda_tile *tile, struct rt_error *err)
{
    struct rt_cuda_product p;
    struct rt_cuda_tile chosen;

    RT_TRY(check(conv, err));
    p = rt_cuda_conv_product(conv, pass);
    chosen = tile ? *tile : rt_cuda_tile_choose(&p, multiprocessors, shared_max);
    if (!chosen.m || rt_cuda_tile_shared_bytes(&p, &chosen) > shared_max)
        return rt_fail(err, RT_ECONFIG,
                       "a block of this GPU has %zu bytes of shared memory: too few for a convolution",
                       shared_max);
    if (!rt_cuda_tile_fits(&p, &chosen))
        return rt_fail(err, RT_ECONFIG, "this tile does not do this convolution");
    if (p.outputs * chosen.splits >= INT_MAX)
        return rt_fail(err, RT_ECONFIG,
                       "a sum of %d parts of %.0f numbers: more than 2^31; use a smaller batch", chosen.splits,
                       p.outputs);
    *plan = (struct rt_cuda_conv_plan){.count = chosen.splits > 1 ? 2 : 1};
    main_kernel(&plan->kernels[0], conv, &p, &chosen);
    if (chosen.splits > 1) {
        parts_kernel(&plan->kernels[1], conv, &p, chosen.splits);
        plan->workspace_bytes = (size_t)p.outputs * (size_t)chosen.splits * sizeof(float);
    }
    return RT_OK;
}
